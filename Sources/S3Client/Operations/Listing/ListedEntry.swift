import SlipwayModel

/// One line of a listing.
public enum ListedEntry: Sendable, Hashable {
  case object(ListedObject)
  /// What the keys of one or more objects have in common, up to and with the delimiter.
  case prefix(ObjectKey)

  /// Its place in the order.
  public var key: ObjectKey {
    switch self {
    case .object(let object): object.key
    case .prefix(let prefix): prefix
    }
  }
}

/// What a listing is asked for.
struct ListQuery: Sendable {
  var prefix = ObjectKey([])
  var after: ObjectKey?
  var delimiter = ""
  /// How many entries a page may have; S3 gives no more than 1,000 (Amazon S3 API Reference, ListObjectsV2).
  var pageSize = 1000

  /// Keys come percent-encoded, since XML 1.0 cannot carry each of them.
  func parameters(token: [UInt8]?) -> CanonicalQuery {
    var parameters: [(name: String, value: [UInt8]?)] = [
      ("list-type", Array("2".utf8)), ("encoding-type", Array("url".utf8)), ("max-keys", Array("\(pageSize)".utf8)),
    ]
    if !prefix.bytes.isEmpty { parameters.append(("prefix", prefix.bytes)) }
    if let after { parameters.append(("start-after", after.bytes)) }
    if !delimiter.isEmpty { parameters.append(("delimiter", Array(delimiter.utf8))) }
    if let token { parameters.append(("continuation-token", token)) }
    return CanonicalQuery(parameters)
  }

  /// What a page may need, in bytes: each key with three for a byte and a KiB of what stands around it, and the rest.
  var answerLimit: Int { pageSize * (3 * S3Client.keyLimit + 1024) + 64 * 1024 }
}

/// One answer to a listing.
struct ListPage: Sendable {
  /// In strictly ascending order.
  let entries: [ListedEntry]
  /// What the next page is asked with; nil for the last one.
  let token: [UInt8]?
}

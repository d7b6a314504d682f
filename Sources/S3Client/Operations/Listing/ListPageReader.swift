import SlipwayModel

/// Reads a page of ListObjectsV2. Nothing that it says is believed before the whole of it has been looked at.
final class ListPageReader: AnswerHandler {
  /// Why a page cannot be used.
  struct Problem: Error {
    let what: String
    init(_ what: String) { self.what = what }
  }

  private struct RawEntry {
    var isPrefix = false
    var key: [UInt8]?
    var size: [UInt8]?
    var etag: [UInt8]?
    var modified: [UInt8]?
    var storageClass: [UInt8]?
  }

  private var raw: [RawEntry] = []
  private var open: RawEntry?
  private var isTruncated: [UInt8]?
  private var token: [UInt8]?
  private var encoding: [UInt8]?

  func begin(_ name: String, depth: Int) {
    guard depth == 2, name == "Contents" || name == "CommonPrefixes" else { return }
    open = RawEntry(isPrefix: name == "CommonPrefixes")
  }

  func end(_ name: String, text: [UInt8], depth: Int) {
    if depth == 3 { return endDetail(name, text) }
    guard depth == 2 else { return }
    switch name {
    case "Contents", "CommonPrefixes":
      if let open { raw.append(open) }
      open = nil
    case "IsTruncated": isTruncated = text
    case "NextContinuationToken": token = text
    case "EncodingType": encoding = text
    default: break
    }
  }

  private func endDetail(_ name: String, _ text: [UInt8]) {
    switch name {
    case "Key" where open?.isPrefix == false, "Prefix" where open?.isPrefix == true: open?.key = text
    case "Size": open?.size = text
    case "ETag": open?.etag = text
    case "LastModified": open?.modified = text
    case "StorageClass": open?.storageClass = text
    default: break
    }
  }

  /// The page, if it is one that `query` may be answered with.
  func page(for query: ListQuery) throws(Problem) -> ListPage {
    if raw.count > query.pageSize { throw Problem("it has more entries than were asked for") }
    var entries: [ListedEntry] = []
    var prefixes: [ListedEntry] = []
    for entry in raw {
      let key = ObjectKey(try decoded(entry.key))
      guard key.bytes.starts(with: query.prefix.bytes), query.after.map({ $0 < key }) ?? true, !key.bytes.isEmpty
      else { throw Problem("it tells of \(key), for which nobody asked") }
      if entry.isPrefix { prefixes.append(.prefix(key)) } else { entries.append(.object(try object(key, entry))) }
    }
    let merged = merge(entries, prefixes)
    for (entry, next) in zip(merged, merged.dropFirst()) where !(entry.key < next.key) {
      throw Problem("\(next.key) does not come behind \(entry.key)")
    }
    return ListPage(entries: merged, token: try nextToken())
  }

  private func nextToken() throws(Problem) -> [UInt8]? {
    switch isTruncated.map({ String(decoding: $0, as: UTF8.self) }) {
    case "false": return nil
    case "true":
      guard let token, !token.isEmpty else { throw Problem("it is truncated and has no token for the rest") }
      if token.count > Self.tokenLimit { throw Problem("its continuation token is too long") }
      return token
    default: throw Problem("it does not say whether it is truncated")
    }
  }

  /// In bytes: it becomes a part of the next request's address.
  private static let tokenLimit = 8 * 1024

  private func object(_ key: ObjectKey, _ entry: RawEntry) throws(Problem) -> ListedObject {
    guard let size = entry.size.flatMap({ Int64(String(decoding: $0, as: UTF8.self)) }), size >= 0 else {
      throw Problem("\(key) has no size")
    }
    guard let modified = entry.modified.flatMap({ Timestamp(expiry: String(decoding: $0, as: UTF8.self)) }) else {
      throw Problem("\(key) has no date")
    }
    return ListedObject(
      key: key, size: size, etag: etagText(entry.etag?[...]), modified: modified,
      storageClass: ErrorAnswer.token(entry.storageClass))
  }

  /// As the answer's own EncodingType says; a plus stands for a space there, as in forms.
  private func decoded(_ text: [UInt8]?) throws(Problem) -> [UInt8] {
    guard let text else { throw Problem("an entry has no key") }
    guard let encoding else { return text }
    let spaced = text.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }
    guard encoding.elementsEqual("url".utf8), let key = percentDecoded(spaced) else {
      throw Problem("a key is encoded in a way that nobody asked for")
    }
    return key
  }

  /// Objects and common prefixes come apart, each in order.
  private func merge(_ objects: [ListedEntry], _ prefixes: [ListedEntry]) -> [ListedEntry] {
    if prefixes.isEmpty { return objects }
    var merged: [ListedEntry] = []
    var (left, right) = (objects[...], prefixes[...])
    while let object = left.first, let prefix = right.first {
      if object.key < prefix.key {
        merged.append(object)
        left.removeFirst()
      } else {
        merged.append(prefix)
        right.removeFirst()
      }
    }
    return merged + left + right
  }
}

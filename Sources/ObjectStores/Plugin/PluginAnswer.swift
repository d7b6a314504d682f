import S3Client
import SlipwayModel

/// One answer of a plugin: a line of JSON. Everything in it is somebody else's.
struct PluginAnswer: Sendable {
  /// The longest line, in bytes.
  static let lineLimit = 4 << 20
  /// What is shown of a plugin's own words, in bytes.
  static let textLimit = 500

  let id: UInt64
  let isOK: Bool
  private let value: JSONValue
  private let members: [String: JSONValue]

  /// nil for what is no answer by the protocol.
  init?(_ line: [UInt8]) {
    guard let value = JSONValue(line, upTo: Self.lineLimit), case .object(let members) = value,
      case .number(let number)? = members["id"], let id = UInt64(number), case .boolean(let isOK)? = members["ok"]
    else { return nil }
    self.id = id
    self.isOK = isOK
    self.value = value
    self.members = members
  }

  /// nil where it is missing, empty or no text.
  func text(_ name: String) -> String? { value.text(name) }

  /// nil where it is missing, or no whole number from 0 on.
  func count(_ name: String) -> Int64? { Self.count(members[name]) }

  func flag(_ name: String) -> Bool { members[name] == .boolean(true) }

  /// The texts of a list; what else is in it is passed over.
  func texts(_ name: String) -> [String] {
    guard case .array(let items)? = members[name] else { return [] }
    return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
  }

  /// The SHA-256 that it tells; nil if none is told, an empty one where what is told is none.
  var sum: [UInt8]? {
    guard let value = members["sha256"], value != .null else { return nil }
    guard case .string(let text) = value else { return [] }
    return Self.bytes(text)
  }

  /// Without quotes, escaped.
  var etag: String { Self.etag(text("etag")) }

  /// What it says of an object; nil where it does not tell the size.
  var head: ObjectHead? {
    guard let size = count("size") else { return nil }
    var metadata: [String: String] = [:]
    if case .object(let members)? = members["metadata"] {
      metadata = members.compactMapValues { if case .string(let text) = $0 { text } else { nil } }
    }
    let sum = sum ?? []
    return ObjectHead(
      size: size, etag: etag, modified: Self.time(members["modified"]), contentType: text("type") ?? "",
      metadata: metadata, checksum: sum.isEmpty ? nil : Checksum(algorithm: .sha256, value: sum))
  }

  /// The objects of a page of a listing; nil where one of them is none.
  var objects: [ListedObject]? {
    guard case .array(let items)? = members["objects"] else { return nil }
    var objects: [ListedObject] = []
    for item in items {
      guard case .object(let members) = item, let key = item.text("key"), let size = Self.count(members["size"])
      else { return nil }
      objects.append(
        ListedObject(
          key: ObjectKey(key), size: size, etag: Self.etag(item.text("etag")),
          modified: Self.time(members["modified"]) ?? Timestamp(seconds: 0)))
    }
    return objects
  }

  /// How long it wants to be left alone.
  var retryAfter: Duration? {
    guard case .number(let text)? = members["retry_after"], let seconds = Double(text), seconds >= 0 else { return nil }
    return .milliseconds(Int64(min(seconds, Self.waitMax) * 1000))
  }

  /// In seconds.
  private static let waitMax = 86_400.0
  /// In bytes.
  private static let etagLimit = 256

  private static func etag(_ text: String?) -> String { escaped((text ?? "").utf8.prefix(etagLimit)) }

  private static func count(_ value: JSONValue?) -> Int64? {
    guard case .number(let text)? = value, let count = Int64(text), count >= 0 else { return nil }
    return count
  }

  /// Seconds since 1970, with or without a fraction.
  private static func time(_ value: JSONValue?) -> Timestamp? {
    guard case .number(let text)? = value, let seconds = Double(text), abs(seconds) < 9e9 else { return nil }
    return Timestamp(nanoseconds: Int64(seconds * 1e9))
  }

  /// Of 64 hexadecimal digits; none of anything else.
  private static func bytes(_ text: String) -> [UInt8] {
    let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    guard digits.count == 64, text.utf8.count == 64 else { return [] }
    return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}

extension PluginAnswer {
  /// What a plugin says of a failure, by the words of the protocol.
  enum Kind: String, CaseIterable {
    case transient, blocked, permanent, missing
    case inTheWay = "in_the_way"
  }

  /// What an answer that is not ok says. A kind that is not told, or not known, is `transient`: nothing is given up for a
  /// word.
  func failure(_ operation: PluginOperation, _ subject: String) -> Failure {
    let told = text("error").map { escaped($0.utf8.prefix(Self.textLimit)) } ?? "the plugin gives no reason"
    var code = "PluginError"
    let kind: Failure.Kind
    switch text("kind").flatMap(Kind.init(rawValue:)) {
    case .blocked: kind = .blocked
    case .permanent: kind = .permanent
    case .inTheWay: (kind, code) = (.permanent, Failure.inTheWay)
    case .missing: return Failure.noSuchObject(operation.verb, subject)
    case .transient, nil: kind = .transient(retryAfter: retryAfter)
    }
    return Failure(kind, operation.verb, subject, code: code, cause: told)
  }
}

import Glibc
import S3Client
import SlipwayModel

/// What a plugin can be asked, by the words of the protocol.
enum PluginOperation: String, Sendable, Hashable, CaseIterable {
  case hello, put, get, head, list, delete, copy

  /// As a verb in messages.
  var verb: String {
    switch self {
    case .hello: "start"
    case .put: "upload"
    case .get: "read"
    case .head: "look at"
    case .list: "list"
    case .delete: "delete"
    case .copy: "copy"
    }
  }
}

/// One request: a line of JSON.
struct PluginRequest: Sendable {
  /// The protocol that this Slipway speaks.
  static let version = 1

  let operation: PluginOperation
  let key: ObjectKey
  /// Behind `id` and `op`, in this order; the values are JSON.
  private let members: [(name: String, value: [UInt8])]
  /// What the request's path leads to. It stays open until the plugin has answered or is gone: its number must not come
  /// to mean another file while somebody may still open it.
  let descriptor: HeldDescriptor?

  private init(
    _ operation: PluginOperation, _ key: ObjectKey, _ members: [(name: String, value: [UInt8])],
    _ descriptor: HeldDescriptor? = nil
  ) {
    self.operation = operation
    self.key = key
    self.members = members
    self.descriptor = descriptor
  }

  /// Whether it changes what lies at its key.
  var isWrite: Bool { operation == .put || operation == .delete || operation == .copy }

  func line(id: UInt64) -> [UInt8] {
    let head = [("id", JSONText.number(id)), ("op", JSONText.string(operation.rawValue))]
    return Self.object(head + members) + [UInt8(ascii: "\n")]
  }

  static func hello(_ destination: DestinationName) -> PluginRequest {
    PluginRequest(
      .hello, ObjectKey([]),
      [("version", JSONText.number(version)), ("destination", JSONText.string(destination.text))])
  }

  /// `sum` is the SHA-256 of the content.
  static func put(
    _ file: HeldDescriptor, at key: ObjectKey, size: Int64, sum: [UInt8], _ attributes: ObjectAttributes
  ) -> PluginRequest {
    let members = [
      ("path", JSONText.string(file.path)), ("size", JSONText.number(size)),
      ("type", JSONText.string(ContentTypes.type(of: key))), ("sha256", JSONText.string(hexadecimal(sum))),
      ("tags", object(of: attributes.tags)), ("metadata", object(of: attributes.metadata)),
    ]
    return PluginRequest(.put, key, named(key) + members, file)
  }

  static func get(_ key: ObjectKey, into file: HeldDescriptor) -> PluginRequest {
    PluginRequest(.get, key, named(key) + [("path", JSONText.string(file.path))], file)
  }

  static func head(_ key: ObjectKey) -> PluginRequest { PluginRequest(.head, key, named(key)) }
  static func delete(_ key: ObjectKey) -> PluginRequest { PluginRequest(.delete, key, named(key)) }

  static func copy(_ source: ObjectKey, to key: ObjectKey) -> PluginRequest {
    PluginRequest(
      .copy, key,
      [("source", JSONText.string(source.bytes)), ("source_encoded", JSONText.string(percentEncoded(source)))]
        + named(key))
  }

  /// One page; `next` is what the page before told.
  static func list(under prefix: ObjectKey, next: String?, limit: Int) -> PluginRequest {
    let place = next.map { [("next", JSONText.string($0))] } ?? []
    return PluginRequest(
      .list, prefix, [("prefix", JSONText.string(prefix.bytes))] + place + [("limit", JSONText.number(limit))])
  }

  private static func named(_ key: ObjectKey) -> [(name: String, value: [UInt8])] {
    [("key", JSONText.string(key.bytes)), ("key_encoded", JSONText.string(percentEncoded(key)))]
  }

  private static func object(of texts: [String: String]) -> [UInt8] {
    object(texts.sorted { Array($0.key.utf8).precedes(Array($1.key.utf8)) }.map { ($0.key, JSONText.string($0.value)) })
  }

  private static func object(_ members: [(name: String, value: [UInt8])]) -> [UInt8] {
    let pairs = members.map { JSONText.string($0.name) + [UInt8(ascii: ":")] + $0.value }
    return [UInt8(ascii: "{")] + Array(pairs.joined(separator: [UInt8(ascii: ",")])) + [UInt8(ascii: "}")]
  }
}

/// A descriptor of our own for a file of somebody else's, closed when the last reference goes.
final class HeldDescriptor: Sendable {
  let number: Int32

  /// `subject` is for the message.
  init(duplicating descriptor: Int32, _ operation: String, _ subject: String) throws(Failure) {
    // dup(2) would not be close-on-exec, and another thread may be starting a program.
    number = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    guard number >= 0 else { throw destinationFailure(errno, operation, subject) }
  }

  deinit { close(number) }

  /// Where another process of the same user finds it: the file itself, whatever its name leads to by now.
  var path: String { "/proc/\(getpid())/fd/\(number)" }
}

/// Where objects go.
public protocol ObjectStore: Sendable {
  /// Stores the content of `file` at `key` (destination's prefix included) and returns once the destination has
  /// answered with the right checksum. May be called again for the same key: the last one wins, and a reader sees the
  /// old object or the new one, nothing between. Retries of one request are the store's own; the engine retries runs.
  /// Called from tasks that may block; bounded by the caller.
  nonisolated(nonsending) func put(
    _ file: any OpenFile, at key: ObjectKey, attributes: ObjectAttributes, progress: TransferMeter
  ) async throws(Failure) -> PutReceipt

  /// Makes everything durable that was put before the call. Called once before a run counts as uploaded.
  func settle() async throws(Failure)

  /// The object's address for people and manifests.
  func url(of key: ObjectKey) -> String
}

/// What an object carries beside its content; a destination without a place for it leaves it out.
public struct ObjectAttributes: Sendable, Hashable {
  public var tags: [String: String]
  public var metadata: [String: String]

  public init(tags: [String: String] = [:], metadata: [String: String] = [:]) {
    self.tags = tags
    self.metadata = metadata
  }
}

/// What a destination has proven to hold.
public struct PutReceipt: Sendable, Hashable {
  /// In bytes.
  public let size: Int64
  /// As the server gave it, without quotes; empty where there is none.
  public let etag: String
  /// What was compared; nil where the destination is not asked for proof.
  public let checksum: Checksum?

  public init(size: Int64, etag: String, checksum: Checksum?) {
    self.size = size
    self.etag = etag
    self.checksum = checksum
  }
}

/// A checksum of an object's content.
public struct Checksum: Sendable, Hashable {
  public enum Algorithm: String, Sendable, Hashable {
    case md5, sha256, crc64nvme, crc32c
  }

  public let algorithm: Algorithm
  public let value: [UInt8]

  public init(algorithm: Algorithm, value: [UInt8]) {
    self.algorithm = algorithm
    self.value = value
  }

  public var hexadecimalValue: String { hexadecimal(value) }
}

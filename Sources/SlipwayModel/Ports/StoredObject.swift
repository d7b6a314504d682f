/// What a look at an object says of it.
public struct ObjectHead: Sendable, Hashable {
  /// In bytes.
  public let size: Int64
  /// Without quotes, escaped; empty where there is none.
  public let etag: String
  /// nil where it is not told.
  public let modified: Timestamp?
  /// Empty where it is not told.
  public let contentType: String
  /// Names in lowercase, without `x-amz-meta-`. Whoever stored the object chose the values.
  public let metadata: [String: String]
  /// Of the whole content, if the store keeps one that we can compute; never one of checksums of parts.
  public let checksum: Checksum?
  /// `STANDARD` where nothing else is told; empty where there are no classes.
  public let storageClass: String

  public init(
    size: Int64, etag: String = "", modified: Timestamp? = nil, contentType: String = "",
    metadata: [String: String] = [:], checksum: Checksum? = nil, storageClass: String = ""
  ) {
    self.size = size
    self.etag = etag
    self.modified = modified
    self.contentType = contentType
    self.metadata = metadata
    self.checksum = checksum
    self.storageClass = storageClass
  }
}

/// What a listing says of an object.
public struct ListedObject: Sendable, Hashable {
  public let key: ObjectKey
  /// In bytes.
  public let size: Int64
  /// Without quotes, escaped; empty where there is none.
  public let etag: String
  public let modified: Timestamp
  /// Empty where there are no classes.
  public let storageClass: String

  public init(key: ObjectKey, size: Int64, etag: String = "", modified: Timestamp, storageClass: String = "") {
    self.key = key
    self.size = size
    self.etag = etag
    self.modified = modified
    self.storageClass = storageClass
  }
}

/// Why one object of several was left as it was.
public struct ObjectFailure: Sendable, Hashable {
  public let key: ObjectKey
  public let failure: Failure

  public init(key: ObjectKey, failure: Failure) {
    self.key = key
    self.failure = failure
  }
}

/// A listing under way. For one task at a time.
public protocol ObjectWalk: Sendable {
  /// The next object, nil at the end. After a failure the walk is of no more use.
  mutating func next() async throws(Failure) -> ListedObject?
}

extension Failure {
  /// The code of an object that is not there.
  public static let noSuchKey = "NoSuchKey"

  /// That nothing lies at a key; `subject` is what a message calls it.
  public static func noSuchObject(_ operation: String, _ subject: String) -> Failure {
    Failure(.permanent, operation, subject, code: noSuchKey, cause: "there is no such object")
  }
}

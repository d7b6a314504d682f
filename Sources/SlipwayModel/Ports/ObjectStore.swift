/// Where objects go.
public protocol ObjectStore: Sendable {
  /// Stores the content of `file` at `key` (destination's prefix included) and returns once the destination has
  /// answered with the right checksum. May be called again for the same key: the last one wins, unless the destination's
  /// settings keep what is there, and a reader sees the old object or the new one, nothing between. Retries of one
  /// request are the store's own; the engine retries runs. Called from tasks that may block; bounded by the caller.
  ///
  /// What is sent in parts goes on where an earlier put of the same file, run and destination was interrupted, as
  /// `context.journal` has it. A cancelled put leaves its upload to be gone on with; see `abandon`.
  nonisolated(nonsending) func put(
    _ file: any OpenFile, at key: ObjectKey, _ context: PutContext
  ) async throws(Failure) -> PutReceipt

  /// Ends a multipart upload that nobody goes on with, so that nothing of it is left; harmless for one that is over, and
  /// for one without an ID. The object at its key stays what it is.
  func abandon(_ upload: MultipartUpload) async throws(Failure)

  /// Ends what has become of a request for a multipart upload whose answer was never heard. `isInUse` tells whether an
  /// upload of its key is under way, and is asked after the look: if it is, nothing is ended. Idempotent.
  func abandon(
    _ upload: UnansweredUpload, unless isInUse: @Sendable () async throws(Failure) -> Bool
  ) async throws(Failure)

  /// What the store tells of an object; nil if there is none. Idempotent, as is all that follows.
  func head(_ key: ObjectKey) async throws(Failure) -> ObjectHead?

  /// Writes an object's content into a regular file that is open for writing, from its beginning and cut to the
  /// object's size; memory is bounded. The content is that of one object, whole and with the right checksum as far as
  /// the store keeps one, or it throws, and the file holds nothing of use. No such object is a permanent failure
  /// (`Failure.noSuchKey`). Called from tasks that may block.
  func get(_ key: ObjectKey, intoFile descriptor: Int32) async throws(Failure) -> ObjectHead

  /// The objects whose keys begin with `prefix` (no bytes: all), in byte order of the keys, as they are asked for. Does
  /// nothing before the first is. A listing that cannot be read to its end throws: it is never merely shorter.
  func list(under prefix: ObjectKey) -> any ObjectWalk

  /// Removes objects; that there is none at a key is no error. Returns those that are still there, each with the
  /// reason; throws where nothing more could be removed.
  func delete(_ keys: [ObjectKey]) async throws(Failure) -> [ObjectFailure]

  /// Stores for `run` at `key` what lies at `source`, with what it carries beside its content, as `put` would. No such source is
  /// a permanent failure (`Failure.noSuchKey`). Called from tasks that may block.
  func copy(_ source: ObjectKey, to key: ObjectKey, for run: RunID) async throws(Failure) -> PutReceipt

  /// What lies at `key`, of which `known` is known, if that has the content of `file`; nil if it has not, or if nothing
  /// shows whether it has. Reads the file only where sizes are equal, and asks the store only where what is known says
  /// too little. Called from tasks that may block.
  nonisolated(nonsending) func recognise(
    _ file: any OpenFile, at key: ObjectKey, as known: KnownObject
  ) async throws(Failure) -> PutReceipt?

  /// Makes everything durable that was put or copied for these runs before the call; throws if something of any of them
  /// may be lost, and then it counts as not put. Called once before a run counts as uploaded.
  func settle(_ runs: [RunID]) async throws(Failure)

  /// The object's address for people and manifests.
  func url(of key: ObjectKey) -> String
}

/// For whom a put works, and with what, beside the file and its key.
public struct PutContext: Sendable {
  public let run: RunID
  public let destination: DestinationName
  /// Relative to the tree.
  public let path: BytePath
  public let attributes: ObjectAttributes
  public let progress: TransferMeter
  public let journal: any UploadJournal
  public let permits: any TransferPermits
  /// Whether what lies at the key is Slipway's own, and is replaced whatever the destination's `overwrite` says.
  public let replaces: Bool

  public init(
    run: RunID, destination: DestinationName, path: BytePath, attributes: ObjectAttributes, progress: TransferMeter,
    journal: any UploadJournal, permits: any TransferPermits, replaces: Bool = false
  ) {
    self.run = run
    self.destination = destination
    self.path = path
    self.attributes = attributes
    self.progress = progress
    self.journal = journal
    self.permits = permits
    self.replaces = replaces
  }
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
  /// False where the object lay there already, equal and by another's hand, so that nothing of it was sent.
  public let isSent: Bool

  public init(size: Int64, etag: String, checksum: Checksum?, isSent: Bool = true) {
    self.size = size
    self.etag = etag
    self.checksum = checksum
    self.isSent = isSent
  }
}

/// A checksum of an object's content.
public struct Checksum: Sendable, Hashable {
  public enum Algorithm: String, Sendable, Hashable, CaseIterable {
    case md5, sha256, crc64nvme, crc32c
    /// Of the digests of an object's parts, one behind the other.
    case md5OfParts = "md5-of-parts"
    case sha256OfParts = "sha256-of-parts"
  }

  public let algorithm: Algorithm
  public let value: [UInt8]

  public init(algorithm: Algorithm, value: [UInt8]) {
    self.algorithm = algorithm
    self.value = value
  }

  public var hexadecimalValue: String { hexadecimal(value) }
}

/// A multipart upload of one file of a run to one destination, as it is written down before its first part is sent.
public struct MultipartUpload: Sendable, Hashable {
  /// What the destination calls it.
  public struct ID: Sendable, Hashable {
    public let text: String

    public init(_ text: String) { self.text = text }
  }

  /// A part that the destination has proven to hold.
  public struct Part: Sendable, Hashable {
    /// From 1.
    public let number: Int
    /// As the server gave it, without quotes.
    public let etag: String
    /// Of the part's content, by the destination's algorithm; empty where it asks for no proof.
    public let checksum: [UInt8]

    public init(number: Int, etag: String, checksum: [UInt8]) {
      self.number = number
      self.etag = etag
      self.checksum = checksum
    }
  }

  public let run: RunID
  public let destination: DestinationName
  /// Relative to the tree.
  public let path: BytePath
  /// With the destination's prefix.
  public let key: ObjectKey
  /// As the file was when the upload was begun: parts of another content must not be mixed with its own.
  public let fingerprint: Fingerprint
  /// In the object's metadata: no other upload, whoever began it, has this one.
  public let token: String
  /// In bytes; every part but the last one has it.
  public let partSize: Int64
  public let begun: Timestamp
  /// nil: the destination is about to be asked, and whether it has answered is not known.
  public var id: ID?
  /// In order of their numbers.
  public var parts: [Part]

  public init(
    run: RunID, destination: DestinationName, path: BytePath, key: ObjectKey, fingerprint: Fingerprint, token: String,
    partSize: Int64, begun: Timestamp, id: ID? = nil, parts: [Part] = []
  ) {
    self.run = run
    self.destination = destination
    self.path = path
    self.key = key
    self.fingerprint = fingerprint
    self.token = token
    self.partSize = partSize
    self.begun = begun
    self.id = id
    self.parts = parts
  }
}

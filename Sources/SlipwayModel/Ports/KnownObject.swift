/// What is known of an object, by a listing or by what an earlier put proved.
public struct KnownObject: Sendable, Hashable {
  /// In bytes.
  public let size: Int64
  /// Without quotes; empty where there is none.
  public let etag: String
  /// nil where none is known.
  public let checksum: Checksum?

  public init(size: Int64, etag: String, checksum: Checksum? = nil) {
    self.size = size
    self.etag = etag
    self.checksum = checksum
  }

  public init(_ receipt: PutReceipt) {
    self.init(size: receipt.size, etag: receipt.etag, checksum: receipt.checksum)
  }

  public init(_ object: ListedObject) {
    self.init(size: object.size, etag: object.etag)
  }
}

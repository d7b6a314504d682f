import Checksums
import SlipwayModel

/// A checksum that is made while content goes by. For one thread at a time.
package protocol ContentHash: AnyObject {
  func update(_ bytes: UnsafeRawBufferPointer)
  /// The value; nothing may follow.
  func finish() throws(Failure) -> [UInt8]
}

/// What proves the content of a directory destination.
final class SHA256Hash: ContentHash {
  private var digest: MessageDigest?

  init() throws(Failure) {
    digest = try MessageDigest(.sha256)
  }

  func update(_ bytes: UnsafeRawBufferPointer) {
    digest?.update(bytes)
  }

  func finish() throws(Failure) -> [UInt8] {
    guard let digest = digest.take() else { return [] }
    return try digest.finalize()
  }
}

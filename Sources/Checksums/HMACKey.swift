import SlipwayModel

/// A key of HMAC-SHA256 (RFC 2104), with its two pads ready. Any thread.
package struct HMACKey: Sendable {
  private let innerPad: [UInt8]
  private let outerPad: [UInt8]

  /// The block size of SHA-256, in bytes.
  private static let blockSize = 64

  /// Throws where libcrypto has no SHA-256.
  package init(_ key: [UInt8]) throws(Failure) {
    var block = key.count > Self.blockSize ? try MessageDigest.of(key, by: .sha256) : key
    block.append(contentsOf: repeatElement(0, count: Self.blockSize - block.count))
    innerPad = block.map { $0 ^ 0x36 }
    outerPad = block.map { $0 ^ 0x5C }
  }

  /// The 32 bytes that authenticate `message`. Throws where libcrypto has no SHA-256.
  package func authenticate(_ message: [UInt8]) throws(Failure) -> [UInt8] {
    var digest = try MessageDigest(.sha256)
    digest.update(innerPad)
    digest.update(message)
    let inner = try digest.finalizeAndRestart()
    digest.update(outerPad)
    digest.update(inner)
    return try digest.finalize()
  }
}

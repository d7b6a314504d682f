import Checksums
import SlipwayModel

/// Digests of an object's content, as far as a destination needs them.
package struct ContentDigests: Sendable, Hashable {
  package let md5: [UInt8]?
  package let sha256: [UInt8]?
  /// The CRC that the destination's proof asks for, the highest byte first.
  package let cyclic: [UInt8]?

  package init(md5: [UInt8]?, sha256: [UInt8]?, cyclic: [UInt8]? = nil) {
    self.md5 = md5
    self.sha256 = sha256
    self.cyclic = cyclic
  }
}

/// Computes them, in one pass over the content.
package struct ContentHasher: ~Copyable {
  private var md5: MessageDigest?
  private var sha256: MessageDigest?
  private var cyclic: CyclicChecksum?

  /// Throws a permanent failure where libcrypto does not offer an algorithm that is needed.
  package init(_ proof: ContentProof) throws(Failure) {
    let md5 = proof.needsMD5 ? try MessageDigest(.md5) : nil
    let sha256 = proof.needsSHA256 ? try MessageDigest(.sha256) : nil
    self.md5 = md5
    self.sha256 = sha256
    self.cyclic = proof.cyclicCode.map { CyclicChecksum($0) }
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    md5?.update(bytes)
    sha256?.update(bytes)
    cyclic?.update(bytes)
  }

  package consuming func finalize() throws(Failure) -> ContentDigests {
    ContentDigests(md5: try md5?.finalize(), sha256: try sha256?.finalize(), cyclic: cyclic?.bytes)
  }
}

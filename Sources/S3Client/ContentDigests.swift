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
    try self.init(proof, withMD5: proof.needsMD5)
  }

  fileprivate init(_ proof: ContentProof, withMD5: Bool) throws(Failure) {
    let md5 = withMD5 ? try MessageDigest(.md5) : nil
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

/// Computes them of several contents that go by in step: their MD5s in lanes, which cost a fraction of one by one.
package struct ContentGroupHasher: ~Copyable {
  /// Contents at once.
  package static let countMax = MD5Lanes.count
  /// With fewer, lanes are no faster.
  package static let countMin = 3

  private var md5: MD5Lanes
  private let others: [OtherHasher]

  /// For `count` contents, and a proof that needs their MD5s. Throws as `ContentHasher` does.
  package init(_ proof: ContentProof, count: Int) throws(Failure) {
    var others: [OtherHasher] = []
    for _ in 0..<count { others.append(try OtherHasher(proof)) }
    let md5 = try MD5Lanes()
    self.others = others
    self.md5 = md5
  }

  /// Adds a piece to each content; an empty one where a content has ended. All but the last of a content are multiples of
  /// 64 bytes.
  package mutating func update(_ pieces: [UnsafeRawBufferPointer]) {
    md5.update(pieces)
    for (other, piece) in zip(others, pieces) { other.update(piece) }
  }

  package consuming func finalize() throws(Failure) -> [ContentDigests] {
    var digests: [ContentDigests] = []
    let others = others
    for (other, md5) in zip(others, md5.finalize()) { digests.append(try other.finish(md5)) }
    return digests
  }
}

/// What is computed of one content of a group beside its MD5: in a box, because arrays hold nothing that is not copyable.
private final class OtherHasher {
  private var hasher: ContentHasher?

  init(_ proof: ContentProof) throws(Failure) { hasher = try ContentHasher(proof, withMD5: false) }

  func update(_ bytes: UnsafeRawBufferPointer) { hasher?.update(bytes) }

  func finish(_ md5: [UInt8]) throws(Failure) -> ContentDigests {
    guard let hasher = hasher.take() else { return ContentDigests(md5: md5, sha256: nil) }
    let rest = try hasher.finalize()
    return ContentDigests(md5: md5, sha256: rest.sha256, cyclic: rest.cyclic)
  }
}

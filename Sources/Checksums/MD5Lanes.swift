import CLibintrinsics
import SlipwayModel

/// The MD5s (RFC 1321) of up to eight messages that go by in step, a lane of the CPU's vectors for each.
///
/// For one thread at a time. All lanes take as long as one, so a few messages are worth it and one is not.
package struct MD5Lanes: ~Copyable {
  /// What computes it. Both give the same value.
  package enum Means: Sendable {
    /// Vectors that every CPU has.
    case baseline
    /// Those of this CPU, if they are wider; asked once.
    case cpu

    fileprivate static let isWide = slipway_has_avx2() != 0
  }

  /// Messages at once.
  package static let count = 8

  /// In bytes.
  private static let blockSize = 64

  private let isWide: Bool
  /// Four words a lane.
  private var states: [UInt32] = []
  /// In bytes, of what has gone by.
  private var lengths = [Int](repeating: 0, count: MD5Lanes.count)
  private var haveEnded = [Bool](repeating: false, count: MD5Lanes.count)

  /// Throws as `MessageDigest` does where libcrypto offers no MD5: there nobody wants ours either.
  package init(by means: Means = .cpu) throws(Failure) {
    _ = try DigestAlgorithm.fetched(.md5)
    isWide = means == .cpu && Means.isWide
    for _ in 0..<Self.count { states += [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476] }
  }

  /// Adds a piece to each message, the first to that of the first lane; an empty one adds nothing. One that is no
  /// multiple of 64 bytes ends its message.
  package mutating func update(_ pieces: [UnsafeRawBufferPointer]) {
    precondition(pieces.count <= Self.count)
    var position = 0
    while let blocks = pieces.lazy.map({ ($0.count - position) / Self.blockSize }).filter({ $0 > 0 }).min() {
      run(blocks) { lane in
        guard lane < pieces.count, pieces[lane].count - position >= Self.blockSize else { return nil }
        return pieces[lane].baseAddress.map { $0 + position }
      }
      position += blocks * Self.blockSize
    }
    for (lane, piece) in pieces.enumerated() where !piece.isEmpty {
      precondition(!haveEnded[lane])
      lengths[lane] += piece.count
      let rest = piece.count % Self.blockSize
      if rest > 0 { end(lane, UnsafeRawBufferPointer(rebasing: piece.suffix(rest))) }
    }
  }

  /// The digests of all lanes; that of a lane to which nothing was added is that of no bytes.
  package consuming func finalize() -> [[UInt8]] {
    for lane in 0..<Self.count where !haveEnded[lane] { end(lane, UnsafeRawBufferPointer(start: nil, count: 0)) }
    return (0..<Self.count).map { lane in
      states[4 * lane..<4 * lane + 4].flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
    }
  }

  /// Sections 3.1 and 3.2: a one, zeros, and the length in bits.
  private mutating func end(_ lane: Int, _ rest: UnsafeRawBufferPointer) {
    var block = Array(rest) + [0x80]
    block += repeatElement(0, count: (2 * Self.blockSize - 8 - block.count) % Self.blockSize)
    withUnsafeBytes(of: (UInt64(lengths[lane]) << 3).littleEndian) { block += Array($0) }
    block.withUnsafeBytes { bytes in run(bytes.count / Self.blockSize) { $0 == lane ? bytes.baseAddress : nil } }
    haveEnded[lane] = true
  }

  /// Steps over `blocks` of those lanes for which `start` gives where they lie.
  private mutating func run(_ blocks: Int, _ start: (_ lane: Int) -> UnsafeRawPointer?) {
    withUnsafeTemporaryAllocation(of: UnsafePointer<UInt8>?.self, capacity: Self.count) { messages in
      for lane in 0..<Self.count { messages[lane] = start(lane)?.assumingMemoryBound(to: UInt8.self) }
      if isWide {
        slipway_md5_avx2(&states, messages.baseAddress, blocks)
      } else {
        slipway_md5(&states, messages.baseAddress, blocks)
      }
    }
  }
}

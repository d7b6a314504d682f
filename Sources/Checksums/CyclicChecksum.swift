import CLibintrinsics

/// A CRC over bytes that come one after the other. For one thread at a time.
package struct CyclicChecksum: Sendable {
  /// What computes it. All give the same value.
  package struct Means: Sendable, Hashable {
    /// The CPU's own CRC-32C.
    package let hasCRC32C: Bool
    /// The CPU's multiplication without carries.
    package let hasMultiply: Bool

    package static let tables = Means(hasCRC32C: false, hasMultiply: false)
    /// What this CPU has, asked once.
    package static let cpu = Means(
      hasCRC32C: slipway_has_crc32c() != 0, hasMultiply: slipway_has_carryless_multiply() != 0)

    /// Some of what this CPU has; never more.
    package static func cpu(withCRC32C: Bool, withMultiply: Bool) -> Means {
      Means(hasCRC32C: cpu.hasCRC32C && withCRC32C, hasMultiply: cpu.hasMultiply && withMultiply)
    }
  }

  private let code: CyclicCode
  private let usesCRC32C: Bool
  private let usesMultiply: Bool
  private var remainder: UInt64

  package init(_ code: CyclicCode, by means: Means = .cpu) {
    self.code = code
    usesCRC32C = means.hasCRC32C && code.width == 32
    usesMultiply = means.hasMultiply
    remainder = code.ones
  }

  /// The checksum of all that was added so far.
  package var value: UInt64 { remainder ^ code.ones }

  /// The checksum's bytes, the highest first, as S3 wants them.
  package var bytes: [UInt8] {
    stride(from: code.width - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
  }

  /// Adds `bytes` to the message.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    let folded = usesMultiply && bytes.count >= Self.foldingMinimum ? bytes.count & ~15 : 0
    if folded > 0 { fold(start, folded) }
    step(start + folded, bytes.count - folded)
  }

  /// Adds `bytes` to the message.
  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// In bytes; what `slipway_fold` asks for at least, and for fewer than twice as many it is no faster.
  private static let foldingMinimum = 128

  private mutating func fold(_ start: UnsafeRawPointer, _ count: Int) {
    var block: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &block) { block in
      guard let result = block.baseAddress else { return }
      slipway_fold(remainder, start, count, code.foldingKeys, result.assumingMemoryBound(to: UInt64.self))
      remainder = 0
      step(result, block.count)
    }
  }

  private mutating func step(_ start: UnsafeRawPointer, _ count: Int) {
    remainder = usesCRC32C ? slipway_crc32c(remainder, start, count) : lookUp(start, count)
  }

  /// Eight bytes at a time, each in a table of its own (Kounavis and Berry, slicing-by-8, Intel 2005).
  private func lookUp(_ start: UnsafeRawPointer, _ count: Int) -> UInt64 {
    let tables = code.tables
    let words = count & ~7
    var value = remainder
    for offset in stride(from: 0, to: words, by: 8) {
      let word = value ^ UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let early =
        tables[7 << 8 | Int(word & 0xFF)] ^ tables[6 << 8 | Int(word >> 8 & 0xFF)]
        ^ tables[5 << 8 | Int(word >> 16 & 0xFF)] ^ tables[4 << 8 | Int(word >> 24 & 0xFF)]
      let late =
        tables[3 << 8 | Int(word >> 32 & 0xFF)] ^ tables[2 << 8 | Int(word >> 40 & 0xFF)]
        ^ tables[1 << 8 | Int(word >> 48 & 0xFF)] ^ tables[Int(word >> 56)]
      value = early ^ late
    }
    for offset in words..<count {
      let byte = start.load(fromByteOffset: offset, as: UInt8.self)
      value = tables[Int((value ^ UInt64(byte)) & 0xFF)] ^ value >> 8
    }
    return value
  }
}

/// One kind of CRC: its polynomial, and all that is made of it once for the life of the process.
///
/// Bits are reflected, as both kinds want it: of a remainder the lowest bit belongs to the highest power of x. Both
/// begin with ones and are inverted at the end. A remainder of 32 bits stands in the low half of a word, so that the
/// same tables and the same steps serve both widths.
///
/// Sendable by hand: the tables are written by `init` only, and never freed.
package struct CyclicCode: @unchecked Sendable {
  /// CRC-32C, by Castagnoli (RFC 3720, section 12.1).
  package static let crc32c = CyclicCode(width: 32, polynomial: 0x82F6_3B78)
  /// CRC-64/NVME (NVM Express Command Set Specification, 64b Guard Protection Information).
  package static let crc64nvme = CyclicCode(width: 64, polynomial: 0x9A6C_9329_AC4B_C9B5)

  /// In bits.
  let width: Int
  let polynomial: UInt64
  /// What a remainder begins with and is inverted by.
  let ones: UInt64
  /// Eight tables of 256 words: the remainder of a byte, alone and with one to seven zero bytes behind it.
  let tables: UnsafePointer<UInt64>
  /// The four that `slipway_fold` asks for.
  let foldingKeys: UnsafePointer<UInt64>

  private init(width: Int, polynomial: UInt64) {
    self.width = width
    self.polynomial = polynomial
    ones = UInt64.max >> (64 - width)
    tables = Self.tables(polynomial)
    let remainders = Remainders(width: width, polynomial: polynomial)
    // The product of two reflected words comes out one bit, a factor of x, too far up.
    let keys = [512 + 63, 512 - 1, 128 + 63, 128 - 1].map { remainders.powerOfX($0) << (64 - width) }
    foldingKeys = Self.kept(keys)
  }

  private static func tables(_ polynomial: UInt64) -> UnsafePointer<UInt64> {
    var words = (0..<256).map { byte in
      (0..<8).reduce(UInt64(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ polynomial }
    }
    for index in 256..<8 * 256 {
      let shorter = words[index - 256]
      words.append(words[Int(shorter & 0xFF)] ^ shorter >> 8)
    }
    return kept(words)
  }

  private static func kept(_ words: [UInt64]) -> UnsafePointer<UInt64> {
    let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: words.count)
    memory.initialize(from: words, count: words.count)
    return UnsafePointer(memory)
  }
}

extension CyclicCode {
  /// The checksum of two messages one behind the other, of which `second` has `count` bytes.
  package func combine(_ first: UInt64, _ second: UInt64, count: Int64) -> UInt64 {
    let remainders = Remainders(width: width, polynomial: polynomial)
    // x to this power is x to the power of 8 * count, which itself may have more than 64 bits.
    var shift = remainders.powerOfX(UInt64(max(count, 0)))
    for _ in 0..<3 { shift = remainders.product(shift, shift) }
    return remainders.product(first, shift) ^ second
  }
}

/// Arithmetic of polynomials over two elements, modulo one of them.
struct Remainders {
  let width: Int
  let polynomial: UInt64

  func product(_ left: UInt64, _ right: UInt64) -> UInt64 {
    var (sum, right) = (UInt64(0), right)
    // From the power 0, the highest bit, upwards.
    for bit in (0..<width).reversed() {
      if left >> bit & 1 == 1 { sum ^= right }
      right = right & 1 == 0 ? right >> 1 : right >> 1 ^ polynomial
    }
    return sum
  }

  func powerOfX(_ exponent: UInt64) -> UInt64 {
    var result = UInt64(1) << (width - 1)
    for bit in (0..<(64 - exponent.leadingZeroBitCount)).reversed() {
      result = product(result, result)
      if exponent >> bit & 1 == 1 { result = product(result, UInt64(1) << (width - 2)) }
    }
    return result
  }
}

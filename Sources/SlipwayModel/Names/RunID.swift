/// The name of a run: 26 characters of Crockford's base 32, lowercase, as a ULID has them. IDs sort by their time.
public struct RunID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let text: String

  public init(_ text: String) { self.text = text }

  /// `entropy` gives the 80 bits behind the 48 bits of milliseconds.
  public init(at time: Timestamp, entropy: (UInt16, UInt64)) {
    let milliseconds = UInt64(max(0, time.nanoseconds / 1_000_000)) & 0xFFFF_FFFF_FFFF
    let high = milliseconds << 16 | UInt64(entropy.0)
    let value = UInt128(high) << 64 | UInt128(entropy.1)
    let digits = (0..<26).map { position in
      Self.alphabet[Int(truncatingIfNeeded: (value >> UInt128(5 * (25 - position))) & 31)]
    }
    self.text = String(decoding: digits, as: UTF8.self)
  }

  public var description: String { text }
  public static func < (left: Self, right: Self) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }

  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
}

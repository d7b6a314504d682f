/// JSON, written piece by piece.
///
/// Strings are made of bytes: what is not UTF-8 becomes a lone surrogate `\udcXX`, as Python's `surrogateescape` reads
/// it back, so that any file name survives.
public enum JSONText {
  /// `bytes` as a string with its quotes.
  public static func string(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = [UInt8(ascii: "\"")]
    text.reserveCapacity(bytes.count + 2)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte < 0x80 {
        appendASCII(byte, to: &text)
        index += 1
      } else if let length = lengthOfScalar(in: bytes, at: index) {
        append(bytes[index..<(index + length)], to: &text)
        index += length
      } else {
        text.append(contentsOf: "\\udc\(hexadecimal(byte))".utf8)
        index += 1
      }
    }
    text.append(UInt8(ascii: "\""))
    return text
  }

  public static func string(_ text: String) -> [UInt8] {
    string(Array(text.utf8))
  }

  /// An object of values that are JSON already, in the given order.
  public static func object(_ members: KeyValuePairs<String, [UInt8]>) -> [UInt8] {
    var text: [UInt8] = [UInt8(ascii: "{")]
    for (index, (name, value)) in members.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      text.append(contentsOf: string(name))
      text.append(UInt8(ascii: ":"))
      text.append(contentsOf: value)
    }
    text.append(UInt8(ascii: "}"))
    return text
  }

  /// An array of values that are JSON already.
  public static func array(_ values: some Sequence<[UInt8]>) -> [UInt8] {
    [UInt8(ascii: "[")] + Array(values.joined(separator: [UInt8(ascii: ",")])) + [UInt8(ascii: "]")]
  }

  public static func number(_ value: some BinaryInteger) -> [UInt8] { Array(String(value).utf8) }
  public static func bool(_ value: Bool) -> [UInt8] { Array((value ? "true" : "false").utf8) }
  public static let null = Array("null".utf8)

  private static func appendASCII(_ byte: UInt8, to text: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(contentsOf: [UInt8(ascii: "\\"), byte])
    case 0x00..<0x20, 0x7F: text.append(contentsOf: "\\u00\(hexadecimal(byte))".utf8)
    default: text.append(byte)
    }
  }

  /// The control characters from U+0080 on steer a terminal as those of ASCII do, wherever the document is shown.
  private static func append(_ scalar: ArraySlice<UInt8>, to text: inout [UInt8]) {
    if scalar.first == 0xC2, let last = scalar.last, last < 0xA0 {
      text.append(contentsOf: "\\u00\(hexadecimal(last))".utf8)
    } else {
      text.append(contentsOf: scalar)
    }
  }

  /// How many bytes the well-formed scalar at `index` has (Unicode 15, table 3-7); nil if there is none.
  private static func lengthOfScalar(in bytes: [UInt8], at index: Int) -> Int? {
    let lead = bytes[index]
    let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
    guard index + length <= bytes.count, (0xC2...0xF4).contains(lead) else { return nil }
    let second = bytes[index + 1]
    let range: ClosedRange<UInt8> =
      switch lead {
      case 0xE0: 0xA0...0xBF
      case 0xED: 0x80...0x9F
      case 0xF0: 0x90...0xBF
      case 0xF4: 0x80...0x8F
      default: 0x80...0xBF
      }
    guard range.contains(second) else { return nil }
    return bytes[(index + 2)..<(index + length)].allSatisfy { (0x80...0xBF).contains($0) } ? length : nil
  }
}

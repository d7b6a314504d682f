/// Bytes that somebody else chose, for a log line, a terminal or a message.
///
/// Printable text stays; control characters, bidirectional marks, a backslash and whatever is not UTF-8 become
/// `\xNN` or `\u{N}`, so that a file name can neither start a line of its own nor steer a terminal.
public func escaped(_ bytes: some Sequence<UInt8>) -> String {
  var rest = Array(bytes)[...]
  // Most names are like this.
  if rest.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) {
    return String(decoding: rest, as: UTF8.self)
  }
  var text = ""
  while let first = rest.first {
    if let (scalar, length) = leadingScalar(of: rest) {
      text += escaped(scalar)
      rest = rest.dropFirst(length)
    } else {
      text += "\\x" + hexadecimal(first)
      rest = rest.dropFirst()
    }
  }
  return text
}

/// Text of our own with what others put into it, for one line: what steers a terminal or breaks the line is escaped,
/// all else, backslashes too, stays. Names in it have been escaped where they came in.
public func escapedControls(_ text: String) -> String {
  if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
  return text.unicodeScalars.reduce(into: "") { $0 += $1 == "\\" ? "\\" : escaped($1) }
}

/// Two lowercase hexadecimal digits.
public func hexadecimal(_ byte: UInt8) -> String {
  String(decoding: [hexadecimalDigits[Int(byte >> 4)], hexadecimalDigits[Int(byte & 15)]], as: UTF8.self)
}

/// Lowercase hexadecimal digits, two a byte.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  String(
    decoding: bytes.flatMap { [hexadecimalDigits[Int($0 >> 4)], hexadecimalDigits[Int($0 & 15)]] }, as: UTF8.self)
}

private let hexadecimalDigits = Array("0123456789abcdef".utf8)

private func escaped(_ scalar: Unicode.Scalar) -> String {
  switch scalar {
  case "\\": return "\\\\"
  case "\n": return "\\n"
  case "\t": return "\\t"
  case "\r": return "\\r"
  default: break
  }
  if scalar.value < 0x20 || scalar.value == 0x7F { return "\\x" + hexadecimal(UInt8(scalar.value)) }
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
    return "\\u{\(String(scalar.value, radix: 16))}"
  default: return String(scalar)
  }
}

/// The scalar that well-formed UTF-8 begins with, and how many bytes it takes; nil if it is not well-formed. The
/// standard library's decoder reads ahead, so that it could not be asked which bytes an error was about.
private func leadingScalar(of bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
  guard let first = bytes.first else { return nil }
  if first < 0x80 { return (Unicode.Scalar(first), 1) }
  // The Unicode Standard, table 3-7: what may follow, and the least value, since longer forms are ill-formed.
  let (length, least): (Int, UInt32)
  switch first {
  case 0xC2...0xDF: (length, least) = (2, 0x80)
  case 0xE0...0xEF: (length, least) = (3, 0x800)
  case 0xF0...0xF4: (length, least) = (4, 0x1_0000)
  default: return nil
  }
  let following = bytes.dropFirst().prefix(length - 1)
  guard following.count == length - 1, following.allSatisfy({ $0 & 0xC0 == 0x80 }) else { return nil }
  let value = following.reduce(UInt32(first) & (0x7F >> UInt32(length))) { $0 << 6 | UInt32($1 & 0x3F) }
  // The initializer refuses surrogates and what lies beyond U+10FFFF.
  guard value >= least, let scalar = Unicode.Scalar(value) else { return nil }
  return (scalar, length)
}

/// One JSON object (RFC 8259) whose values are texts, numbers and booleans; read by the letter, since anybody may have
/// written it.
public enum FlatJSON {
  /// The members in their order, each value as text: a number as it is written. None for a document of blanks alone.
  /// Throws for anything else than one flat object, and for a name that is there twice.
  public static func members(of bytes: [UInt8]) throws(FlatJSONProblem) -> [(name: String, value: String)] {
    var reader = FlatJSONReader(bytes)
    return try reader.document()
  }
}

/// What is wrong with a document; line and column count from 1, columns in bytes.
public struct FlatJSONProblem: Error, Hashable, Sendable {
  public let line: Int
  public let column: Int
  /// One clause.
  public let message: String
}

private struct FlatJSONReader {
  private let bytes: [UInt8]
  private var place = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func document() throws(FlatJSONProblem) -> [(name: String, value: String)] {
    skipBlanks()
    if next == nil { return [] }
    try take("{", "expected '{', the beginning of an object")
    let members = try members()
    skipBlanks()
    if next != nil { throw problem("something follows the object") }
    return members
  }

  private mutating func members() throws(FlatJSONProblem) -> [(name: String, value: String)] {
    var members: [(name: String, value: String)] = []
    var names: Set<[UInt8]> = []
    skipBlanks()
    if skip("}") { return [] }
    while true {
      skipBlanks()
      let start = place
      try take("\"", "expected a name in quotes")
      let name = try text()
      // By bytes: what only looks alike is another name.
      if !names.insert(Array(name.utf8)).inserted {
        throw problem("the name '\(shown(name))' is there twice", at: start)
      }
      skipBlanks()
      try take(":", "expected ':' behind the name")
      skipBlanks()
      members.append((name, try value(of: name)))
      skipBlanks()
      if skip("}") { return members }
      try take(",", "expected ',' or '}' behind a value")
    }
  }

  private mutating func value(of name: String) throws(FlatJSONProblem) -> String {
    switch next ?? 0 {
    case UInt8(ascii: "\""):
      place += 1
      return try text()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      throw problem("the value of '\(shown(name))' is \(next == UInt8(ascii: "{") ? "an object" : "an array")")
    default:
      for word in ["true", "false"] where skipWord(word) { return word }
      if skipWord("null") { throw problem("the value of '\(shown(name))' is null", at: place - 4) }
      throw problem("expected a text, a number, true or false")
    }
  }

  // MARK: Texts

  /// Behind the opening quote, up to and with the closing one.
  private mutating func text() throws(FlatJSONProblem) -> String {
    let start = place
    var text: [UInt8] = []
    while let byte = next {
      place += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let valid = String(validating: text, as: UTF8.self) else { throw problem("it is not UTF-8", at: start) }
        return valid
      case UInt8(ascii: "\\"): text += try escapedScalar()
      case 0..<0x20: throw problem("a control character stands in a text", at: place - 1)
      default: text.append(byte)
      }
    }
    throw problem("a text has no end", at: start)
  }

  private mutating func escapedScalar() throws(FlatJSONProblem) -> [UInt8] {
    let start = place - 1
    guard let letter = next else { throw problem("a text has no end", at: start) }
    place += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      guard let scalar = numberedScalar() else { throw problem("'\\u' does not name a character", at: start) }
      return Array(String(Character(scalar)).utf8)
    default: throw problem("unknown escape", at: start)
    }
  }

  /// Behind `\u`; of a pair of surrogates both.
  private mutating func numberedScalar() -> Unicode.Scalar? {
    guard let first = codeUnit() else { return nil }
    guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) }
    guard skip("\\"), skip("u"), let second = codeUnit(), (0xDC00..<0xE000).contains(second) else { return nil }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
  }

  private mutating func codeUnit() -> UInt32? {
    guard place + 4 <= bytes.count else { return nil }
    var value: UInt32 = 0
    for byte in bytes[place..<(place + 4)] {
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
      case 0x41...0x46: value = value << 4 | UInt32(byte - 0x37)
      case 0x61...0x66: value = value << 4 | UInt32(byte - 0x57)
      default: return nil
      }
    }
    place += 4
    return value
  }

  // MARK: Numbers

  private mutating func number() throws(FlatJSONProblem) -> String {
    let start = place
    _ = skip("-")
    let hasLeadingZero = next == UInt8(ascii: "0")
    let whole = skipDigits()
    var isNumber = whole > 0 && !(hasLeadingZero && whole > 1)
    if skip(".") { isNumber = isNumber && skipDigits() > 0 }
    if skip("e") || skip("E") {
      _ = skip("+") || skip("-")
      isNumber = isNumber && skipDigits() > 0
    }
    if !isNumber { throw problem("this is no number", at: start) }
    return String(decoding: bytes[start..<place], as: UTF8.self)
  }

  private mutating func skipDigits() -> Int {
    let start = place
    while let byte = next, (0x30...0x39).contains(byte) { place += 1 }
    return place - start
  }

  // MARK: Bytes

  private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  private mutating func skipBlanks() {
    while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { place += 1 }
  }

  private mutating func skip(_ letter: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: letter) else { return false }
    place += 1
    return true
  }

  private mutating func skipWord(_ word: String) -> Bool {
    guard bytes[place...].starts(with: word.utf8) else { return false }
    place += word.utf8.count
    return true
  }

  private mutating func take(_ letter: Unicode.Scalar, _ message: String) throws(FlatJSONProblem) {
    if !skip(letter) { throw problem(message) }
  }

  private func problem(_ message: String, at offset: Int? = nil) -> FlatJSONProblem {
    let before = bytes[..<(offset ?? place)]
    let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    return FlatJSONProblem(
      line: 1 + before.count { $0 == 0x0A }, column: 1 + before.endIndex - start, message: message)
  }

  private func shown(_ name: String) -> String { escaped(name.utf8.prefix(80)) }
}

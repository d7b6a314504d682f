import SlipwayModel

/// One value of JSON (RFC 8259), for the small answers of metadata services and plugins.
package enum JSONValue: Sendable, Hashable {
  case object([String: JSONValue])
  case array([JSONValue])
  case string(String)
  /// As it is written.
  case number(String)
  case boolean(Bool)
  case null

  /// nil for bytes that are not exactly one value, for more than `limit` of them, and for a name given twice.
  package init?(_ bytes: [UInt8], upTo limit: Int = JSONValue.sizeLimit) {
    guard bytes.count <= limit else { return nil }
    var reader = JSONReader(bytes)
    guard let value = reader.document() else { return nil }
    self = value
  }

  /// In bytes.
  package static let sizeLimit = 64 * 1024
  /// How deep arrays and objects may lie in one another.
  static let depthLimit = 16

  /// As JSON, the members of objects in order of their names.
  var document: [UInt8] {
    switch self {
    case .object(let members):
      let pairs = members.sorted { $0.key < $1.key }.map {
        JSONText.string($0.key) + [UInt8(ascii: ":")] + $0.value.document
      }
      return [UInt8(ascii: "{")] + Array(pairs.joined(separator: [UInt8(ascii: ",")])) + [UInt8(ascii: "}")]
    case .array(let values): return JSONText.array(values.map(\.document))
    case .string(let text): return JSONText.string(text)
    case .number(let text): return Array(text.utf8)
    case .boolean(let value): return JSONText.bool(value)
    case .null: return JSONText.null
    }
  }

  /// The text of a member; nil if it is missing, empty, or no text.
  package func text(_ name: String) -> String? {
    guard case .object(let members) = self, case .string(let text)? = members[name], !text.isEmpty else { return nil }
    return text
  }
}

/// Reads strictly: what is not JSON by the letter gives nil.
private struct JSONReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) {
    rest = bytes[...]
  }

  mutating func document() -> JSONValue? {
    guard let value = value(depth: 0) else { return nil }
    skipSpace()
    return rest.isEmpty ? value : nil
  }

  private mutating func value(depth: Int) -> JSONValue? {
    guard depth <= JSONValue.depthLimit else { return nil }
    skipSpace()
    switch rest.first {
    case UInt8(ascii: "{"): return object(depth)
    case UInt8(ascii: "["): return array(depth)
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "t"): return take("true") ? .boolean(true) : nil
    case UInt8(ascii: "f"): return take("false") ? .boolean(false) : nil
    case UInt8(ascii: "n"): return take("null") ? .null : nil
    default: return number()
    }
  }

  private mutating func object(_ depth: Int) -> JSONValue? {
    var members: [String: JSONValue] = [:]
    rest.removeFirst()
    if takeAfterSpace("}") { return .object(members) }
    repeat {
      skipSpace()
      guard let name = string(), takeAfterSpace(":"), let value = value(depth: depth + 1) else { return nil }
      guard members.updateValue(value, forKey: name) == nil else { return nil }
    } while takeAfterSpace(",")
    return takeAfterSpace("}") ? .object(members) : nil
  }

  private mutating func array(_ depth: Int) -> JSONValue? {
    var values: [JSONValue] = []
    rest.removeFirst()
    if takeAfterSpace("]") { return .array(values) }
    repeat {
      guard let value = value(depth: depth + 1) else { return nil }
      values.append(value)
    } while takeAfterSpace(",")
    return takeAfterSpace("]") ? .array(values) : nil
  }

  private mutating func string() -> String? {
    guard take("\"") else { return nil }
    var text: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let scalar = escape() else { return nil }
        text.append(contentsOf: String(scalar).utf8)
      case ..<0x20: return nil
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    switch rest.popFirst() {
    case UInt8(ascii: "\""): "\""
    case UInt8(ascii: "\\"): "\\"
    case UInt8(ascii: "/"): "/"
    case UInt8(ascii: "b"): "\u{8}"
    case UInt8(ascii: "f"): "\u{C}"
    case UInt8(ascii: "n"): "\n"
    case UInt8(ascii: "r"): "\r"
    case UInt8(ascii: "t"): "\t"
    case UInt8(ascii: "u"): codePoint()
    default: nil
    }
  }

  /// Beyond the basic plane they come as two surrogates (section 7).
  private mutating func codePoint() -> Unicode.Scalar? {
    guard let first = fourDigits() else { return nil }
    guard 0xD800...0xDBFF ~= first else { return Unicode.Scalar(first) }
    guard take("\\u"), let second = fourDigits(), 0xDC00...0xDFFF ~= second else { return nil }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
  }

  private mutating func fourDigits() -> UInt32? {
    let text = rest.prefix(4)
    guard text.count == 4, text.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    rest = rest.dropFirst(4)
    return UInt32(String(decoding: text, as: UTF8.self), radix: 16)
  }

  private mutating func number() -> JSONValue? {
    let start = rest
    _ = take("-")
    guard take("0") || digits() else { return nil }
    if take("."), !digits() { return nil }
    if take("e") || take("E") {
      _ = take("+") || take("-")
      guard digits() else { return nil }
    }
    return .number(String(decoding: start[..<rest.startIndex], as: UTF8.self))
  }

  private mutating func digits() -> Bool {
    let after = rest.drop { 0x30...0x39 ~= $0 }
    defer { rest = after }
    return after.startIndex > rest.startIndex
  }

  private mutating func takeAfterSpace(_ text: StaticString) -> Bool {
    skipSpace()
    return take(text)
  }

  private mutating func take(_ text: StaticString) -> Bool {
    let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard rest.starts(with: wanted) else { return false }
    rest = rest.dropFirst(wanted.count)
    return true
  }

  private mutating func skipSpace() {
    rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
  }
}

/// Bytes that somebody else chose, for a log line, a terminal or a message.
///
/// Printable text stays; control characters, bidirectional marks, a backslash and whatever is not UTF-8 become
/// `\xNN` or `\u{N}`, so that a file name can neither start a line of its own nor steer a terminal.
public func escaped(_ bytes: some Sequence<UInt8>) -> String {
  var decoder = UTF8()
  var iterator = ReplayingIterator(bytes.makeIterator())
  var text = ""
  while true {
    iterator.beginRecording()
    switch decoder.decode(&iterator) {
    case .scalarValue(let scalar): text += escaped(scalar)
    case .emptyInput: return text
    case .error:
      guard let byte = iterator.replayAllButFirst() else { return text }
      text += "\\x" + hexadecimal(byte)
      decoder = UTF8()
    }
  }
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

/// Gives back the bytes of a sequence that turned out not to be UTF-8, so that each can be told by itself.
private struct ReplayingIterator<Base: IteratorProtocol>: IteratorProtocol where Base.Element == UInt8 {
  private var base: Base
  private var recorded: [UInt8] = []
  private var pending: [UInt8] = []

  init(_ base: Base) {
    self.base = base
  }

  mutating func beginRecording() {
    recorded.removeAll(keepingCapacity: true)
  }

  mutating func next() -> UInt8? {
    let byte = pending.isEmpty ? base.next() : pending.removeFirst()
    if let byte { recorded.append(byte) }
    return byte
  }

  /// The first recorded byte; the others are read again.
  mutating func replayAllButFirst() -> UInt8? {
    guard let first = recorded.first else { return nil }
    pending = recorded.dropFirst() + pending
    recorded.removeAll(keepingCapacity: true)
    return first
  }
}

/// A key as it stands in an answer to `encoding-type=url`: encoded if the answer's own EncodingType says so, which is
/// empty where there is none. AWS and MinIO write a space as a plus sign, as forms have it. nil for an encoding that
/// nobody asked for, and for a percent sign without two digits behind it.
func decodedKey(_ text: [UInt8], encoding: [UInt8]) -> [UInt8]? {
  if encoding.isEmpty { return text }
  guard encoding.elementsEqual("url".utf8) else { return nil }
  return percentDecoded(text.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 })
}

/// The bytes of percent-encoded text (RFC 3986, section 2.1); a plus sign is itself. nil for a percent sign without two
/// digits behind it.
func percentDecoded(_ text: some Sequence<UInt8>) -> [UInt8]? {
  var bytes: [UInt8] = []
  var rest = Array(text)[...]
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "%") else {
      bytes.append(byte)
      continue
    }
    guard let high = hexadecimalValue(rest.popFirst()), let low = hexadecimalValue(rest.popFirst()) else { return nil }
    bytes.append(high << 4 | low)
  }
  return bytes
}

/// The bytes that hexadecimal digits stand for, two for each; nil for anything else.
func hexadecimalBytes(_ text: some Collection<UInt8>) -> [UInt8]? {
  guard text.count % 2 == 0 else { return nil }
  var bytes: [UInt8] = []
  var digits = text.makeIterator()
  while let first = digits.next() {
    guard let high = hexadecimalValue(first), let low = hexadecimalValue(digits.next()) else { return nil }
    bytes.append(high << 4 | low)
  }
  return bytes
}

private func hexadecimalValue(_ digit: UInt8?) -> UInt8? {
  switch digit {
  case .some(let digit) where 0x30...0x39 ~= digit: digit - 0x30
  case .some(let digit) where 0x41...0x46 ~= digit || 0x61...0x66 ~= digit: (digit | 0x20) - 0x61 + 10
  default: nil
  }
}

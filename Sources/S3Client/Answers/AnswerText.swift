/// The bytes of percent-encoded text, as `encoding-type=url` gives keys (RFC 3986, section 2.1); a plus sign is itself.
/// nil for a percent sign without two digits behind it.
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

private func hexadecimalValue(_ digit: UInt8?) -> UInt8? {
  switch digit {
  case .some(let digit) where 0x30...0x39 ~= digit: digit - 0x30
  case .some(let digit) where 0x41...0x46 ~= digit || 0x61...0x66 ~= digit: (digit | 0x20) - 0x61 + 10
  default: nil
  }
}

/// S3's percent-encoding: each byte but `A-Z a-z 0-9 - . _ ~` becomes `%XX`, in capitals, once. The same bytes stand in
/// the request line and in what is signed (AWS General Reference, Signature Version 4, UriEncode).
extension [UInt8] {
  mutating func appendPercentEncoded(_ bytes: [UInt8], keepsSlashes: Bool) {
    let digits: StaticString = "0123456789ABCDEF"
    for byte in bytes {
      if isUnreserved(byte) || (keepsSlashes && byte == UInt8(ascii: "/")) {
        append(byte)
      } else {
        append(UInt8(ascii: "%"))
        append(digits.utf8Start[Int(byte >> 4)])
        append(digits.utf8Start[Int(byte & 15)])
      }
    }
  }
}

/// Slashes too.
func percentEncoded(_ bytes: [UInt8]) -> [UInt8] {
  var text: [UInt8] = []
  text.appendPercentEncoded(bytes, keepsSlashes: false)
  return text
}

private func isUnreserved(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
  default: false
  }
}

/// What `%XX` and `+` (a space) stand for; nil for a percent sign without two hexadecimal digits behind it.
func percentDecoded(_ text: [UInt8]) -> [UInt8]? {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.count)
  var index = 0
  while index < text.count {
    switch text[index] {
    case UInt8(ascii: "%"):
      guard index + 2 < text.count, let high = hexadecimalDigit(text[index + 1]),
        let low = hexadecimalDigit(text[index + 2])
      else { return nil }
      bytes.append(high << 4 | low)
      index += 2
    case UInt8(ascii: "+"): bytes.append(0x20)
    case let byte: bytes.append(byte)
    }
    index += 1
  }
  return bytes
}

private func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte - 0x30
  case 0x41...0x46: byte - 0x41 + 10
  case 0x61...0x66: byte - 0x61 + 10
  default: nil
  }
}

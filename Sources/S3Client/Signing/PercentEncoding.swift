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

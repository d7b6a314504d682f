/// S3's percent-encoding: each byte but `A-Z a-z 0-9 - . _ ~` becomes `%XX`, in capitals, once. The same bytes stand in
/// the request line and in what is signed (AWS General Reference, Signature Version 4, UriEncode).
extension [UInt8] {
  mutating func appendPercentEncoded(_ bytes: [UInt8], keepsSlashes: Bool) {
    let digits: StaticString = "0123456789ABCDEF"
    bytes.withUnsafeBufferPointer { bytes in
      // What stays as it is goes by whole stretches.
      var start = 0
      for (index, byte) in bytes.enumerated() where !isKept(byte, keepsSlashes) {
        append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
        append(UInt8(ascii: "%"))
        append(digits.utf8Start[Int(byte >> 4)])
        append(digits.utf8Start[Int(byte & 15)])
        start = index + 1
      }
      append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
    }
  }
}

/// Slashes too.
func percentEncoded(_ bytes: [UInt8]) -> [UInt8] {
  var text: [UInt8] = []
  text.appendPercentEncoded(bytes, keepsSlashes: false)
  return text
}

private func isKept(_ byte: UInt8, _ keepsSlashes: Bool) -> Bool {
  isUnreserved(byte) || keepsSlashes && byte == UInt8(ascii: "/")
}

private func isUnreserved(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
  default: false
  }
}

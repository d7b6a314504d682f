/// How digests are written: two lowercase hexadecimal digits a byte, and base64 with padding (RFC 4648, section 4).
extension [UInt8] {
  /// Appends `bytes` in lowercase hexadecimal.
  package mutating func appendHexadecimal(_ bytes: [UInt8]) {
    let digits: StaticString = "0123456789abcdef"
    let table = digits.utf8Start
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * bytes.count) { text in
      guard var place = text.baseAddress else { return }
      for byte in bytes {
        place[0] = table[Int(byte >> 4)]
        place[1] = table[Int(byte & 15)]
        place += 2
      }
      append(contentsOf: UnsafeBufferPointer(text))
    }
  }

  /// Appends `bytes` in base64.
  package mutating func appendBase64(_ bytes: [UInt8]) {
    let digits: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    let table = UnsafeBufferPointer(start: digits.utf8Start, count: 64)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<Swift.min(start + 3, bytes.count)]
      let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for digit in 0..<4 {
        append(digit <= group.count ? table[bits >> (18 - 6 * digit) & 63] : UInt8(ascii: "="))
      }
    }
  }

  /// Two lowercase hexadecimal digits a byte.
  package var hexadecimalText: [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(2 * count)
    text.appendHexadecimal(self)
    return text
  }

  /// Base64 with padding.
  package var base64Text: [UInt8] {
    var text: [UInt8] = []
    text.appendBase64(self)
    return text
  }
}

/// Text for the XML of a request.
///
/// Control characters and what a parser would change (a carriage return) become character references; nil for what XML
/// 1.0 cannot carry in any form: NUL and most of the other controls, U+FFFE and U+FFFF (XML 1.0, production 2), and
/// what is not UTF-8.
func xmlText(_ bytes: [UInt8]) -> [UInt8]? {
  guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
  var escaped: [UInt8] = []
  escaped.reserveCapacity(bytes.count)
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D: escaped.append(contentsOf: "&#\(scalar.value);".utf8)
    case 0..<0x20, 0xFFFE, 0xFFFF: return nil
    case 0x26: escaped.append(contentsOf: "&amp;".utf8)
    case 0x3C: escaped.append(contentsOf: "&lt;".utf8)
    case 0x3E: escaped.append(contentsOf: "&gt;".utf8)
    default: escaped.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
  }
  return escaped
}

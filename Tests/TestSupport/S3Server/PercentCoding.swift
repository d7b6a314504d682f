/// Percent-encoding as S3 has it.
enum PercentCoding {
  /// nil for a `%` without two hexadecimal digits behind it.
  static func decoded(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> [UInt8]? {
    var result: [UInt8] = []
    var bytes = text.makeIterator()
    while let byte = bytes.next() {
      guard byte == UInt8(ascii: "%") else {
        result.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
        continue
      }
      guard let high = bytes.next().flatMap(digit), let low = bytes.next().flatMap(digit) else { return nil }
      result.append(high << 4 | low)
    }
    return result
  }

  /// Everything but letters, digits and `-._~` becomes `%XX`; a slash only in a query.
  static func encoded(_ bytes: some Sequence<UInt8>, keepingSlashes: Bool) -> String {
    var result: [UInt8] = []
    for byte in bytes {
      if isUnreserved(byte) || (keepingSlashes && byte == UInt8(ascii: "/")) {
        result.append(byte)
      } else {
        result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// A key as AWS gives it to who asks for `encoding-type=url`: a space is a plus sign.
  static func key(_ bytes: [UInt8]) -> String {
    encoded(bytes, keepingSlashes: true).replacing("%20", with: "+")
  }

  /// Name and value of each piece of a query, decoded. A plus stands for a space, as in a form.
  static func query(_ text: String) -> [(name: String, value: String)]? {
    var pairs: [(name: String, value: String)] = []
    for piece in text.utf8.split(separator: UInt8(ascii: "&")) {
      let halves = piece.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = decoded(halves[0], plusIsSpace: true),
        let value = decoded(halves.count > 1 ? halves[1] : "".utf8[...], plusIsSpace: true)
      else { return nil }
      pairs.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
    }
    return pairs
  }

  static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-._~".utf8.contains(byte)
    }
  }

  private static let digits = Array("0123456789ABCDEF".utf8)

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
  }
}

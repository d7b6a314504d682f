import Checksums
import HTTPTransport
import SlipwayModel

/// What Signature Version 4 covers of a request. Pure: the date is an argument, and nothing is sent.
struct SignableRequest {
  let method: HTTPRequest.Method
  /// Percent-encoded, as on the wire.
  let path: [UInt8]
  let query: CanonicalQuery
  /// Without `host`; all of them are signed.
  let fields: HTTPFields
  let host: String
  /// The content's SHA-256 in hexadecimal, or `UNSIGNED-PAYLOAD`.
  let payloadHash: [UInt8]

  /// The value of the Authorization field. `time` is `20130524T000000Z`.
  func authorization(_ key: SigningKey, accessKeyID: String, time: [UInt8]) throws(Failure) -> [UInt8] {
    let sorted = sortedFields()
    let signature = try key.signature(of: stringToSign(sorted, key, time))
    var value: [UInt8] = []
    value.reserveCapacity(320)
    value.append(contentsOf: "AWS4-HMAC-SHA256 Credential=".utf8)
    value.append(contentsOf: accessKeyID.utf8)
    value.append(UInt8(ascii: "/"))
    value.append(contentsOf: key.scope)
    value.append(contentsOf: ",SignedHeaders=".utf8)
    appendNames(sorted, to: &value)
    value.append(contentsOf: ",Signature=".utf8)
    value.append(contentsOf: signature)
    return value
  }

  private func stringToSign(_ sorted: [Field], _ key: SigningKey, _ time: [UInt8]) throws(Failure) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(192)
    text.append(contentsOf: "AWS4-HMAC-SHA256\n".utf8)
    text.append(contentsOf: time)
    text.append(Self.newline)
    text.append(contentsOf: key.scope)
    text.append(Self.newline)
    text.appendHexadecimal(try MessageDigest.of(canonicalRequest(sorted), by: .sha256))
    return text
  }

  private func canonicalRequest(_ sorted: [Field]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(path.count + query.text.count + 2 * fields.lines.count + 256)
    text.append(contentsOf: method.rawValue.utf8)
    text.append(Self.newline)
    text.append(contentsOf: path)
    text.append(Self.newline)
    text.append(contentsOf: query.text)
    text.append(Self.newline)
    for field in sorted { appendLine(field, to: &text) }
    text.append(Self.newline)
    appendNames(sorted, to: &text)
    text.append(Self.newline)
    text.append(contentsOf: payloadHash)
    return text
  }

  private static let newline = UInt8(ascii: "\n")
}

/// Header fields in canonical form: names (lowercase already) in byte order, values with single spaces.
extension SignableRequest {
  /// Where name and value of a field lie in the request's lines; nil lines for `host`.
  private struct Field {
    let name: Range<Int>
    let value: Range<Int>
    let isHost: Bool
  }

  private func sortedFields() -> [Field] {
    var sorted = [Field(name: 0..<4, value: 0..<0, isHost: true)]
    sorted.reserveCapacity(fields.starts.count + 1)
    for (index, start) in fields.starts.enumerated() {
      let end = (index + 1 < fields.starts.count ? fields.starts[index + 1] : fields.lines.count) - 1
      let colon = fields.lines[start..<end].firstIndex { $0 == 0x3A || $0 == 0x3B } ?? end
      let field = Field(name: start..<colon, value: min(colon + 1, end)..<end, isHost: false)
      // Fields mostly come in order, so this looks at one or two.
      var position = sorted.count
      while position > 0, precedes(field, sorted[position - 1]) { position -= 1 }
      sorted.insert(field, at: position)
    }
    return sorted
  }

  private func precedes(_ left: Field, _ right: Field) -> Bool {
    let (leftCount, rightCount) = (left.name.count, right.name.count)
    for index in 0..<min(leftCount, rightCount) {
      let (first, second) = (nameByte(left, index), nameByte(right, index))
      if first != second { return first < second }
    }
    return leftCount < rightCount
  }

  private func nameByte(_ field: Field, _ index: Int) -> UInt8 {
    if field.isHost { return Self.hostName.utf8Start[index] }
    return fields.lines[field.name.lowerBound + index]
  }

  private func appendName(_ field: Field, to text: inout [UInt8]) {
    if field.isHost {
      text.append(contentsOf: UnsafeBufferPointer(start: Self.hostName.utf8Start, count: field.name.count))
    } else {
      text.append(contentsOf: fields.lines[field.name])
    }
  }

  private func appendNames(_ sorted: [Field], to text: inout [UInt8]) {
    for (index, field) in sorted.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ";")) }
      appendName(field, to: &text)
    }
  }

  private func appendLine(_ field: Field, to text: inout [UInt8]) {
    appendName(field, to: &text)
    text.append(UInt8(ascii: ":"))
    if field.isHost { text.append(contentsOf: host.utf8) } else { appendValue(fields.lines[field.value], to: &text) }
    text.append(Self.newline)
  }

  /// Without spaces at the ends, and with single ones between.
  private func appendValue(_ value: ArraySlice<UInt8>, to text: inout [UInt8]) {
    var owesSpace = false
    let start = text.count
    for byte in value {
      if byte == 0x20 || byte == 0x09 {
        owesSpace = text.count > start
      } else {
        if owesSpace { text.append(0x20) }
        owesSpace = false
        text.append(byte)
      }
    }
  }

  private static let hostName: StaticString = "host"
}

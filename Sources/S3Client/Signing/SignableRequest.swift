import Checksums
import Glibc
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
    let names = names(of: sorted)
    let request = try MessageDigest.of(canonicalRequest(sorted, names), by: .sha256)
    let signature = try key.signature(of: stringToSign(request, key, time))
    var value: [UInt8] = []
    value.reserveCapacity(
      accessKeyID.utf8.count + key.scope.count + names.count + signature.count + Self.fixedSize)
    value.append(Self.algorithm)
    value.append(" Credential=")
    value.append(contentsOf: accessKeyID.utf8)
    value.append(UInt8(ascii: "/"))
    value.append(contentsOf: key.scope)
    value.append(",SignedHeaders=")
    value.append(contentsOf: names)
    value.append(",Signature=")
    value.append(contentsOf: signature)
    return value
  }

  private func stringToSign(_ request: [UInt8], _ key: SigningKey, _ time: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(192)
    text.append(Self.algorithm)
    text.append(Self.newline)
    text.append(contentsOf: time)
    text.append(Self.newline)
    text.append(contentsOf: key.scope)
    text.append(Self.newline)
    text.appendHexadecimal(request)
    return text
  }

  private func canonicalRequest(_ sorted: [Field], _ names: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(
      path.count + query.text.count + fields.lines.count + host.utf8.count + names.count + payloadHash.count + 32)
    text.append(contentsOf: method.rawValue.utf8)
    text.append(Self.newline)
    text.append(contentsOf: path)
    text.append(Self.newline)
    text.append(contentsOf: query.text)
    text.append(Self.newline)
    fields.lines.withUnsafeBufferPointer { lines in
      for field in sorted { append(field, of: lines, to: &text) }
    }
    text.append(Self.newline)
    text.append(contentsOf: names)
    text.append(Self.newline)
    text.append(contentsOf: payloadHash)
    return text
  }

  private static let algorithm: StaticString = "AWS4-HMAC-SHA256"
  /// Of what stands around the parts of an Authorization field, in bytes; rounded up.
  private static let fixedSize = 64
  private static let newline = UInt8(ascii: "\n")
}

/// Header fields in canonical form: names (lowercase already) in byte order, values with single spaces.
extension SignableRequest {
  /// Where name and value of a field lie in the request's lines; those of `host` are no part of them.
  private struct Field {
    let name: Range<Int>
    let value: Range<Int>
    let isHost: Bool
  }

  private func sortedFields() -> [Field] {
    var sorted: [Field] = []
    sorted.reserveCapacity(fields.starts.count + 1)
    sorted.append(Field(name: 0..<4, value: 0..<0, isHost: true))
    fields.lines.withUnsafeBufferPointer { lines in
      for (index, start) in fields.starts.enumerated() {
        let end = (index + 1 < fields.starts.count ? fields.starts[index + 1] : lines.count) - 1
        let colon = lines[start..<end].firstIndex { $0 == 0x3A || $0 == 0x3B } ?? end
        let field = Field(name: start..<colon, value: min(colon + 1, end)..<end, isHost: false)
        // Fields mostly come in order, so this looks at one or two.
        var position = sorted.count
        while position > 0, name(field, lines).lexicographicallyPrecedes(name(sorted[position - 1], lines)) {
          position -= 1
        }
        sorted.insert(field, at: position)
      }
    }
    return sorted
  }

  private func name(_ field: Field, _ lines: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    if field.isHost { return UnsafeBufferPointer(start: Self.hostName.utf8Start, count: field.name.count) }
    return UnsafeBufferPointer(rebasing: lines[field.name])
  }

  /// With semicolons between.
  private func names(of sorted: [Field]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(sorted.reduce(0) { $0 + $1.name.count + 1 })
    fields.lines.withUnsafeBufferPointer { lines in
      for (index, field) in sorted.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ";")) }
        text.append(contentsOf: name(field, lines))
      }
    }
    return text
  }

  private func append(_ field: Field, of lines: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
    text.append(contentsOf: name(field, lines))
    text.append(UInt8(ascii: ":"))
    if field.isHost {
      text.append(contentsOf: host.utf8)
    } else {
      appendFolded(UnsafeBufferPointer(rebasing: lines[field.value]), to: &text)
    }
    text.append(Self.newline)
  }

  /// Without spaces at the ends, and with single ones between.
  private func appendFolded(_ value: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
    let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    let trimmed = UnsafeBufferPointer(rebasing: value.drop(while: isBlank))
    guard let start = trimmed.baseAddress else { return }
    // Mostly there is no other: then all goes at once.
    if memchr(start, 0x20, trimmed.count) == nil, memchr(start, 0x09, trimmed.count) == nil {
      return text.append(contentsOf: trimmed)
    }
    var owesSpace = false
    for byte in trimmed {
      if !isBlank(byte) {
        if owesSpace { text.append(0x20) }
        text.append(byte)
      }
      owesSpace = isBlank(byte)
    }
  }

  private static let hostName: StaticString = "host"
}

extension [UInt8] {
  /// Without the detour by a String, of which a signature has several.
  fileprivate mutating func append(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}

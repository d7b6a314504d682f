/// An answer, whatever its status.
package struct HTTPResponse: Sendable {
  package let status: Int
  package let fields: HTTPResponseFields
  package let body: [UInt8]

  package init(status: Int, fields: HTTPResponseFields, body: [UInt8]) {
    self.status = status
    self.fields = fields
    self.body = body
  }
}

/// The header fields of an answer, kept as they came and searched when somebody asks: most are never looked at.
package struct HTTPResponseFields: Sendable {
  /// The lines with their ends, the status line first.
  private let bytes: [UInt8]

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The value of the first field of this name, in any case, without white space around it; nil if there is none.
  package func value(_ name: String) -> ArraySlice<UInt8>? {
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      if let value = value(name, in: bytes[start..<end]) { return value }
      start = end + 1
    }
    return nil
  }

  /// The same as text; bytes that are not UTF-8 are replaced.
  package func text(_ name: String) -> String? {
    value(name).map { String(decoding: $0, as: UTF8.self) }
  }

  private func value(_ name: String, in line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let colon = line.startIndex + name.utf8.count
    guard colon < line.endIndex, line[colon] == UInt8(ascii: ":") else { return nil }
    guard zip(line, name.utf8).allSatisfy({ lowercase($0) == lowercase($1) }) else { return nil }
    return trimmed(line[(colon + 1)...])
  }

  private func trimmed(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let rest = value.drop(while: isWhiteSpace)
    return rest.prefix((rest.lastIndex { !isWhiteSpace($0) } ?? rest.startIndex - 1) + 1 - rest.startIndex)
  }

  private func isWhiteSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
  private func lowercase(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}

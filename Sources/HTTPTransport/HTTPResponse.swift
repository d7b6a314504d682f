import Glibc

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
    range(of: name).map { trimmed(bytes[$0]) }
  }

  /// The same as text; bytes that are not UTF-8 are replaced.
  package func text(_ name: String) -> String? {
    value(name).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The fields whose names begin with `prefix`, which is lowercase, as are the names given back; in their order.
  package func all(beginningWith prefix: String) -> [(name: String, value: ArraySlice<UInt8>)] {
    bytes.split(separator: UInt8(ascii: "\n")).dropFirst().compactMap { line in
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
      let name = line[..<colon].map(lowercase)
      guard name.starts(with: prefix.utf8) else { return nil }
      return (String(decoding: name, as: UTF8.self), trimmed(line[(colon + 1)...]))
    }
  }

  /// Where the value lies. In place, because it is done for every answer.
  private func range(of name: String) -> Range<Int>? {
    var name = name
    return name.withUTF8 { name in
      bytes.withUnsafeBufferPointer { bytes in
        var start = 0
        while start < bytes.count {
          let line = UnsafeBufferPointer(rebasing: bytes[start...])
          let length = length(of: line)
          if length > name.count, line[name.count] == UInt8(ascii: ":"), isEqual(line, name) {
            return start + name.count + 1..<start + length
          }
          start += length + 1
        }
        return nil
      }
    }
  }

  /// Without the newline at its end. By memchr(3), which looks at many bytes at once.
  private func length(of line: UnsafeBufferPointer<UInt8>) -> Int {
    guard let start = line.baseAddress, let end = memchr(start, Int32(UInt8(ascii: "\n")), line.count) else {
      return line.count
    }
    return UnsafeRawPointer(end) - UnsafeRawPointer(start)
  }

  private func isEqual(_ line: UnsafeBufferPointer<UInt8>, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
    for index in name.indices where lowercase(line[index]) != lowercase(name[index]) { return false }
    return true
  }

  private func trimmed(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let rest = value.drop(while: isWhiteSpace)
    return rest.prefix((rest.lastIndex { !isWhiteSpace($0) } ?? rest.startIndex - 1) + 1 - rest.startIndex)
  }

  private func isWhiteSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
  private func lowercase(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}

/// Reads HTTP/1.1 requests from a connection: RFC 9112.
struct RequestReader {
  /// What stands before a body.
  struct Head {
    let method: String
    let target: String
    let headers: [(name: String, value: String)]

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    var keepsAlive: Bool { header("connection")?.lowercased() != "close" }
  }

  enum Problem: Error {
    case malformed(String)
    /// The peer went in the middle of a request.
    case brokenOff
  }

  private static let longestHead = 65_536
  let socket: ServerSocket

  /// nil when the peer has closed the connection between two requests.
  func nextHead() throws(Problem) -> Head? {
    var lines: [String] = []
    var size = 0
    while true {
      guard let line = try line(isFirst: lines.isEmpty) else { return nil }
      size += line.utf8.count
      if size > Self.longestHead { throw .malformed("the head is too long") }
      if line.isEmpty, lines.isEmpty { continue }
      if line.isEmpty { return try Self.head(lines) }
      lines.append(line)
    }
  }

  /// The body, by its length or in chunks; paced if `bytesPerSecond` is given.
  func body(of head: Head, bytesPerSecond: Int? = nil) throws(Problem) -> [UInt8] {
    if head.header("expect")?.lowercased() == "100-continue" { socket.write("HTTP/1.1 100 Continue\r\n\r\n".utf8) }
    if head.header("transfer-encoding")?.lowercased() == "chunked" { return try chunks() }
    guard let text = head.header("content-length") else { return [] }
    guard let length = Int(text), length >= 0 else { throw .malformed("Content-Length is '\(text)'") }
    return try bytes(length, bytesPerSecond)
  }

  private func bytes(_ length: Int, _ bytesPerSecond: Int? = nil) throws(Problem) -> [UInt8] {
    var body: [UInt8] = []
    body.reserveCapacity(min(length, 1 << 26))
    while body.count < length {
      let step = bytesPerSecond.map { max(1, $0 / 20) } ?? length
      guard let piece = socket.read(atMost: min(step, length - body.count)) else { throw .brokenOff }
      body += piece
      if let bytesPerSecond { pause(.seconds(Double(piece.count) / Double(bytesPerSecond))) }
    }
    return body
  }

  private func chunks() throws(Problem) -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let size = try line(isFirst: false) ?? ""
      guard let length = Int(size.prefix { $0 != ";" }, radix: 16) else { throw .malformed("chunk size '\(size)'") }
      if length == 0 { break }
      body += try bytes(length)
      if try line(isFirst: false) != "" { throw .malformed("a chunk is longer than its size") }
    }
    // Trailers, up to the empty line.
    while try line(isFirst: false) != "" {}
    return body
  }

  /// Without its end; nil at the end of the stream where that is allowed.
  private func line(isFirst: Bool) throws(Problem) -> String? {
    var bytes: [UInt8] = []
    while let byte = socket.readByte() {
      if byte == 0x0A {
        if bytes.last == 0x0D { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
      }
      bytes.append(byte)
      if bytes.count > Self.longestHead { throw .malformed("a line is too long") }
    }
    if isFirst, bytes.isEmpty { return nil }
    throw .brokenOff
  }

  private static func head(_ lines: [String]) throws(Problem) -> Head {
    let parts = lines[0].split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[2] == "HTTP/1.1" else { throw .malformed("request line '\(lines[0])'") }
    var headers: [(name: String, value: String)] = []
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { throw .malformed("header '\(line)'") }
      // Runs of blanks count as one in signatures.
      let value = line[line.index(after: colon)...].split { $0 == " " || $0 == "\t" }.joined(separator: " ")
      headers.append((line[..<colon].lowercased(), value))
    }
    return Head(method: String(parts[0]), target: String(parts[1]), headers: headers)
  }
}

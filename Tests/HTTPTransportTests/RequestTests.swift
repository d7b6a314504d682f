import HTTPTransport
import SlipwayModel
import Synchronization
import Testing

@Suite struct RequestTests {
  private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

  /// Sends one request to a server that answers 200, and returns what arrived.
  private func arrived(_ request: (SocketServer) -> HTTPRequest) async throws -> ReceivedRequest {
    let received = Mutex<ReceivedRequest?>(nil)
    let shared = Shared(received: received)
    let ok = ok
    let server = try SocketServer { connection in
      guard let request = connection.readRequest() else { return }
      shared.received.withLock { $0 = request }
      connection.answer(ok)
    }
    let transport = try HTTPTransport()
    _ = try await transport.send(request(server))
    transport.shutdown()
    return try #require(shared.received.withLock { $0 })
  }

  @Test("The path goes out byte for byte, dot segments and escapes included")
  func path() async throws {
    let request = try await arrived { HTTPRequest(.get, $0.url("/a/../b//%2e%2E/%C3%A9+~?x=%2F&y")) }
    #expect(request.requestLine == "GET /a/../b//%2e%2E/%C3%A9+~?x=%2F&y HTTP/1.1")
  }

  @Test("A body in memory arrives whole, with its length, without Expect and without a type of libcurl's")
  func bytes() async throws {
    let body = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let request = try await arrived { HTTPRequest(.put, $0.url("/k"), body: .bytes(body)) }
    #expect(request.requestLine == "PUT /k HTTP/1.1")
    #expect(request.body == body)
    #expect(request.field("content-length") == "50000")
    #expect(request.field("expect") == nil)
    #expect(request.field("content-type") == nil)
    #expect(request.field("transfer-encoding") == nil)
  }

  @Test("An empty body has a length of zero", arguments: [HTTPBody.none, .bytes([])])
  func empty(body: HTTPBody) async throws {
    let request = try await arrived { HTTPRequest(.put, $0.url(), body: body) }
    #expect(request.field("content-length") == "0")
  }

  @Test("A part of a file arrives whole and is counted")
  func file() async throws {
    let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 >> 3) }
    let file = TestFile(content)
    let meter = TransferMeter()
    let request = try await arrived {
      HTTPRequest(
        .put, $0.url(), body: .file(FilePart(file: file, offset: 1_000, count: 2_500_000)), progress: meter)
    }
    #expect(request.body == Array(content[1_000..<2_501_000]))
    #expect(request.field("content-length") == "2500000")
    #expect(request.field("expect") == nil)
    #expect(meter.snapshot.bytes == 2_500_000)
  }

  @Test(
    "Each method stands in its request line",
    arguments: [HTTPRequest.Method.get, .put, .post, .delete])
  func methods(method: HTTPRequest.Method) async throws {
    let request = try await arrived { HTTPRequest(method, $0.url("/m")) }
    #expect(request.requestLine == "\(method.rawValue) /m HTTP/1.1")
  }

  @Test("A HEAD ends with the header, whatever length it names")
  func head() async throws {
    let server = try SocketServer { connection in
      _ = connection.readRequest()
      connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: \"x\"\r\n\r\n")
      connection.waitForEnd()
    }
    let response = try await HTTPTransport().send(HTTPRequest(.head, server.url()))
    #expect(response.fields.text("content-length") == "12345")
    #expect(response.body.isEmpty)
  }

  @Test("A value of nothing but blanks goes out as an empty one", arguments: ["", " ", "\t  "])
  func blank(value: String) async throws {
    var fields = HTTPFields()
    fields.append("x-blank", value)
    let request = try await arrived { HTTPRequest(.put, $0.url(), fields: fields, body: .bytes([1])) }
    #expect(request.lines.contains { $0 == "x-blank:" || $0 == "x-blank: " })
  }

  @Test("Fields go out as they were given, empty values too")
  func fields() async throws {
    var fields = HTTPFields()
    fields.append("content-type", "application/octet-stream")
    fields.append("x-empty", "")
    fields.append("x-amz-meta-name", Array("caf\u{e9}".utf8))
    let request = try await arrived { HTTPRequest(.put, $0.url(), fields: fields, body: .bytes([1])) }
    #expect(request.lines.contains("content-type: application/octet-stream"))
    #expect(request.lines.contains { $0 == "x-empty:" || $0 == "x-empty: " })
    #expect(request.lines.contains("x-amz-meta-name: caf\u{e9}"))
  }

  @Test("A copy of fields goes on from what it copies, and leaves that as it was")
  func copied() {
    var fields = HTTPFields()
    fields.append("X-One", "1")
    var copy = HTTPFields(fields, addingSize: 64)
    copy.append("x-two", "2")
    #expect(copy.lines == Array("x-one: 1\0x-two: 2\0".utf8))
    #expect(copy.starts == [0, 9])
    #expect(fields.lines == Array("x-one: 1\0".utf8))
    fields.append("x-bad", "a\nb")
    #expect(HTTPFields(fields, addingSize: 0).isMalformed)
    #expect(!copy.isMalformed)
  }

  @Test("A tab may stand in a field, no other control character, wherever it stands", arguments: [1, 15, 16, 40, 100])
  func controls(before count: Int) {
    let plain = [UInt8](repeating: 0x80, count: count)
    for byte in UInt8.min...UInt8.max {
      var fields = HTTPFields()
      fields.append("x-name", plain + [byte] + plain)
      #expect(fields.isMalformed == (byte < 0x20 && byte != 0x09 || byte == 0x7F))
    }
  }

  @Test("A field that would begin another line is never sent", arguments: ["a\r\nx-evil: 1", "a\u{0}b", "a\nb"])
  func malformed(value: String) async throws {
    var fields = HTTPFields()
    fields.append("x-amz-meta-name", value)
    let transport = try HTTPTransport()
    let error = await #expect(throws: HTTPTransportError.self) {
      try await transport.send(HTTPRequest(.get, "http://127.0.0.1:9/", fields: fields))
    }
    #expect(error?.reason == .invalidRequest)
    #expect(
      error?.failure("upload", "x").message
        == "cannot upload x: the request cannot be sent (a header field holds a control character, or there are too many)"
    )
  }

  @Test("Requests of different kinds may follow one another on one handle")
  func mixed() async throws {
    let seen = Shared(received: Mutex(nil))
    let server = try SocketServer { connection in
      while let request = connection.readRequest() {
        seen.log.withLock {
          $0.append("\(request.requestLine) \(request.body.count) \(request.field("expect") ?? "-")")
        }
        connection.answer(
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (request.requestLine.hasPrefix("HEAD") ? "" : "ok"))
      }
    }
    let transport = try HTTPTransport()
    let file = TestFile([UInt8](repeating: 1, count: 70_000))
    for _ in 0..<2 {
      _ = try await transport.send(HTTPRequest(.put, server.url("/a"), body: .bytes([1, 2, 3])))
      _ = try await transport.send(
        HTTPRequest(.put, server.url("/b"), body: .file(FilePart(file: file, offset: 0, count: 70_000))))
      _ = try await transport.send(HTTPRequest(.head, server.url("/c")))
      #expect(try await transport.send(HTTPRequest(.get, server.url("/d"))).body == Array("ok".utf8))
      _ = try await transport.send(HTTPRequest(.delete, server.url("/e")))
      _ = try await transport.send(HTTPRequest(.post, server.url("/f"), body: .bytes([9])))
    }
    let round = [
      "PUT /a HTTP/1.1 3 -", "PUT /b HTTP/1.1 70000 -", "HEAD /c HTTP/1.1 0 -", "GET /d HTTP/1.1 0 -",
      "DELETE /e HTTP/1.1 0 -", "POST /f HTTP/1.1 1 -",
    ]
    #expect(seen.log.withLock { $0 } == round + round)
    #expect(server.connections == 1)
  }

  @Test("Three hundred at once all get their own answer")
  func many() async throws {
    let server = try SocketServer { connection in
      while let request = connection.readRequest() {
        let text = String(request.requestLine.split(separator: " ")[1])
        connection.answer("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
      }
    }
    let transport = try HTTPTransport()
    let right = try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<300 {
        group.addTask {
          let path = "/object-\(index)"
          let request = HTTPRequest(.put, server.url(path), body: .bytes([UInt8](repeating: 1, count: index)))
          return try await transport.send(request).body == Array(path.utf8)
        }
      }
      return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(right == 300)
  }
}

/// What a server's threads tell the test.
final class Shared: Sendable {
  let received: Mutex<ReceivedRequest?>
  let log = Mutex<[String]>([])

  init(received: consuming Mutex<ReceivedRequest?>) {
    self.received = received
  }
}

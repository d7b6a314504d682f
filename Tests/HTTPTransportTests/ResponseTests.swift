import HTTPTransport
import SlipwayModel
import Testing

@Suite struct ResponseTests {
  private func response(to answer: String, limit: Int = 1000) async throws -> HTTPResponse {
    let server = try SocketServer { connection in
      _ = connection.readRequest()
      connection.answer(answer)
    }
    let transport = try HTTPTransport()
    return try await transport.send(HTTPRequest(.get, server.url(), responseBodyLimit: limit))
  }

  @Test("Field names are found in any case, values come without the white space around them")
  func fields() async throws {
    let response = try await response(
      to: "HTTP/1.1 404 Nope\r\neTaG:  \"abc\" \t\r\nX-Amz-Request-Id: r1\r\nX-None:\r\nContent-Length: 2\r\n\r\nhi")
    #expect(response.status == 404)
    #expect(response.fields.text("ETag") == "\"abc\"")
    #expect(response.fields.text("x-amz-request-id") == "r1")
    #expect(response.fields.text("x-none") == "")
    #expect(response.fields.text("x-amz-request") == nil)
    #expect(response.fields.text("location") == nil)
    #expect(response.body == Array("hi".utf8))
  }

  @Test("A chunked answer is put together")
  func chunked() async throws {
    let response = try await response(
      to: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    #expect(response.body == Array("abcde".utf8))
  }

  @Test("An interim answer is not the answer")
  func interim() async throws {
    let response = try await response(
      to: "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    #expect(response.status == 200)
    #expect(response.fields.text("x-interim") == nil)
  }

  @Test("A redirect is an answer like any other")
  func redirect() async throws {
    let response = try await response(
      to: "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    #expect(response.status == 301)
  }

  @Test("A body as large as allowed is taken, one byte more is an error")
  func bodyLimit() async throws {
    let body = String(repeating: "x", count: 1000)
    #expect(try await response(to: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\(body)").body.count == 1000)
    let error = await #expect(throws: HTTPTransportError.self) {
      try await response(to: "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n\(body)x")
    }
    #expect(error == HTTPTransportError(.responseTooLarge, detail: "more than 1000 bytes"))
  }

  @Test("A header without end is an error")
  func headerLimit() async throws {
    let field = "x-filler: " + String(repeating: "y", count: 1000) + "\r\n"
    let error = await #expect(throws: HTTPTransportError.self) {
      try await response(to: "HTTP/1.1 200 OK\r\n" + String(repeating: field, count: 100) + "\r\n")
    }
    #expect(error == HTTPTransportError(.responseTooLarge, detail: "more than 65536 bytes of header fields"))
  }

  @Test("What is not HTTP is an error that may pass")
  func garbage() async throws {
    let error = await #expect(throws: HTTPTransportError.self) { try await response(to: "SSH-2.0-server\r\n") }
    #expect(error?.reason == .notHTTP)
    #expect(error?.kind == .transient(retryAfter: nil))
  }

  @Test("An answer that ends before its length is a lost connection")
  func truncated() async throws {
    let error = await #expect(throws: HTTPTransportError.self) {
      try await response(to: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    }
    #expect(error?.reason == .connectionLost)
  }
}

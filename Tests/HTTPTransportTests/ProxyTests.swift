import Glibc
import HTTPTransport
import Testing

@Suite("Proxies of the environment")
struct ProxyTests {
  @Test("A proxy is used unless the request is for this machine's own services, or no_proxy names the server")
  func proxies() async {
    // In a process of its own: the environment is everybody's.
    await #expect(processExitsWith: .success) {
      let proxy = try answering(203)
      let server = try answering(200)
      for name in ["no_proxy", "NO_PROXY"] { unsetenv(name) }
      setenv("http_proxy", proxy.url(), 1)
      let transport = try HTTPTransport()
      var request = HTTPRequest(.get, server.url())
      #expect(try await transport.send(request).status == 203)
      request.usesProxy = false
      #expect(try await transport.send(request).status == 200)
      request.usesProxy = true
      #expect(try await transport.send(request).status == 203)
      setenv("no_proxy", "127.0.0.1", 1)
      #expect(try await transport.send(request).status == 200)
    }
  }
}

private func answering(_ status: Int) throws -> SocketServer {
  try SocketServer { connection in
    while connection.readRequest() != nil {
      connection.answer("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n")
    }
  }
}

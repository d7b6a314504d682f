import Glibc
import HTTPTransport
import TestSupport
import Testing

@Suite("Proxies of the environment")
struct ProxyTests {
  /// In a process of its own: the environment is everybody's.
  @Test("A proxy is used unless the request is for this machine's own services, or no_proxy names the server")
  func proxies() async throws {
    if Alone.isHere { return try await expectProxies() }
    let alone = try Alone.start("ProxyTests")
    let ending = await alone.end()
    #expect(ending == .exited(0), "\(alone.transcript)")
    #expect(alone.transcript.contains("with 1 test "), "\(alone.transcript)")
  }

  private func expectProxies() async throws {
    let proxy = try answering(203)
    let server = try answering(200)
    for name in ["no_proxy", "NO_PROXY"] { unsetenv(name) }
    setenv("http_proxy", proxy.url(), 1)
    let transport = try HTTPTransport()
    var request = HTTPRequest(.get, server.url())
    let byProxy = try await transport.send(request).status
    request.usesProxy = false
    let direct = try await transport.send(request).status
    request.usesProxy = true
    let again = try await transport.send(request).status
    setenv("no_proxy", "127.0.0.1", 1)
    let excepted = try await transport.send(request).status
    let statuses: [Int] = [byProxy, direct, again, excepted].map { Int($0) }
    #expect(statuses == [203, 200, 203, 200])
  }
}

private func answering(_ status: Int) throws -> SocketServer {
  try SocketServer { connection in
    while connection.readRequest() != nil {
      connection.answer("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n")
    }
  }
}

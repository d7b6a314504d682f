import Foundation
import HTTPTransport
import SlipwayModel
import Testing

@Suite(
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "the openssl command is not installed")
)
struct EncryptedConnectionTests {
  private func error(_ server: TLSServer, caBundle: String?) async throws -> HTTPTransportError? {
    let transport = try HTTPTransport(HTTPTransport.Settings(caBundle: caBundle))
    do throws(HTTPTransportError) {
      _ = try await transport.send(HTTPRequest(.get, server.url))
      return nil
    } catch { return error }
  }

  @Test("A certificate of nobody known is refused, and the message says what to do")
  func untrusted() async throws {
    let error = try #require(try await error(TLSServer(name: "IP:127.0.0.1"), caBundle: nil))
    #expect(error.reason == .untrustedServer)
    let failure = error.failure("upload", "s3://b/k")
    #expect(failure.kind == .blocked)
    #expect(failure.message.hasPrefix("cannot upload s3://b/k: the server's certificate cannot be trusted ("))
    #expect(
      failure.message.hasSuffix(
        "; name the certificate authority's file in AWS_CA_BUNDLE, or correct the endpoint's host name"))
  }

  @Test("A private certificate authority may be named, and a body arrives through it")
  func privateAuthority() async throws {
    let server = try TLSServer(name: "IP:127.0.0.1")
    let transport = try HTTPTransport(HTTPTransport.Settings(caBundle: server.certificate))
    let response = try await transport.send(HTTPRequest(.get, server.url))
    #expect(response.status == 200)
  }

  @Test("A certificate for another host is refused")
  func otherHost() async throws {
    let server = try TLSServer(name: "DNS:other.example")
    #expect(try await error(server, caBundle: server.certificate)?.reason == .untrustedServer)
  }

  @Test("A file of certificates that is not there is an operator's matter")
  func missingBundle() async throws {
    let error = try await error(TLSServer(name: "IP:127.0.0.1"), caBundle: "/nonexistent/bundle.pem")
    #expect(error?.reason == .unusableCABundle)
    #expect(error?.kind == .blocked)
  }

  @Test("A server that does not speak TLS is told as such")
  func plainServer() async throws {
    let server = try SocketServer { connection in
      connection.readMore()
      connection.answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    }
    let transport = try HTTPTransport()
    let error = await #expect(throws: HTTPTransportError.self) {
      try await transport.send(HTTPRequest(.get, "https://127.0.0.1:\(server.port)/"))
    }
    #expect(error?.reason == .handshakeFailed)
    #expect(error?.kind == .transient(retryAfter: nil))
  }
}

/// `openssl s_server` with a certificate of its own making.
private final class TLSServer {
  let url: String
  let certificate: String
  private let directory: String
  private let process = Process()

  init(name: String) throws {
    directory = NSTemporaryDirectory() + "slipway-tls-" + UUID().uuidString
    certificate = directory + "/certificate.pem"
    let key = directory + "/key.pem"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let maker = Process()
    maker.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    maker.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
      "/CN=slipway test", "-addext", "subjectAltName=\(name)", "-keyout", key, "-out", certificate,
    ]
    maker.standardError = FileHandle.nullDevice
    try maker.run()
    maker.waitUntilExit()

    let output = Pipe()
    process.executableURL = maker.executableURL
    process.arguments = ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var text = ""
    while !(text.contains("ACCEPT 127.0.0.1:") && text.hasSuffix("\n")) {
      let piece = output.fileHandleForReading.availableData
      guard !piece.isEmpty else { throw ServerProblem(code: 0) }
      text += String(decoding: piece, as: UTF8.self)
    }
    let port = text.split(separator: "ACCEPT 127.0.0.1:")[1].prefix { $0.isNumber }
    url = "https://127.0.0.1:\(port)/"
  }

  deinit {
    // Not TERM: a child inherits the signals that the thread which starts it blocks, and Dispatch's threads block that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    // The directory is the test's own; what is left of it harms nobody.
    try? FileManager.default.removeItem(atPath: directory)
  }
}

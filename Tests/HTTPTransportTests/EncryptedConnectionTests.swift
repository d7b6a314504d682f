import Foundation
import HTTPTransport
import SlipwayModel
import TestSupport
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
    let server = try await TLSServer(name: "IP:127.0.0.1")
    let transport = try HTTPTransport(HTTPTransport.Settings(caBundle: server.certificate))
    let response = try await transport.send(HTTPRequest(.get, server.url))
    #expect(response.status == 200)
  }

  @Test("A certificate for another host is refused")
  func otherHost() async throws {
    let server = try await TLSServer(name: "DNS:other.example")
    #expect(try await error(server, caBundle: server.certificate)?.reason == .untrustedServer)
  }

  @Test("A certificate that has expired is refused, and the message says so")
  func expired() async throws {
    let server = try await TLSServer(name: "IP:127.0.0.1", isExpired: true)
    let error = try await error(server, caBundle: server.certificate)
    #expect(error?.reason == .untrustedServer)
    #expect(error?.detail.contains("expired") == true)
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

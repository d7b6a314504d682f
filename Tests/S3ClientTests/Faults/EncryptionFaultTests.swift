import Foundation
import S3Client
import SlipwayModel
import TestSupport
import Testing

@Suite(
  "fault 44: certificates that have expired, are for another host, or come from a private authority",
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "the openssl command is not installed")
)
struct EncryptionFaultTests {
  private func failure(_ server: TLSServer, _ environment: [String: String]) async throws -> Failure? {
    var settings = S3Destination(bucket: "bucket")
    settings.endpoint = server.url
    settings.credentials = .init(accessKeyID: "A", secretAccessKey: Secret("s"), sessionToken: nil)
    let client = try S3Client(settings, environment: environment)
    do throws(S3Error) {
      _ = try await client.getObject(ObjectKey("k"))
      return nil
    } catch { return error.failure }
  }

  @Test("AWS_CA_BUNDLE names the private authority; without it the server is refused")
  func privateAuthority() async throws {
    let server = try await TLSServer(name: "IP:127.0.0.1")
    #expect(try await failure(server, ["AWS_CA_BUNDLE": server.certificate]) == nil)
    let refused = try await failure(server, ["AWS_CA_BUNDLE": ""])
    #expect(refused?.kind == .blocked)
    #expect(refused?.code == "UntrustedServer")
  }

  @Test(
    "A certificate that does not hold is refused with the reason, though its authority is trusted",
    arguments: [("IP:127.0.0.1", true, "expired"), ("DNS:other.example", false, "127.0.0.1")])
  func untrusted(name: String, isExpired: Bool, reason: String) async throws {
    let server = try await TLSServer(name: name, isExpired: isExpired)
    let failure = try #require(try await failure(server, ["AWS_CA_BUNDLE": server.certificate]))
    #expect(failure.kind == .blocked)
    #expect(failure.message.hasPrefix("cannot read s3://bucket/k: the server's certificate cannot be trusted ("))
    #expect(failure.message.contains(reason))
  }
}

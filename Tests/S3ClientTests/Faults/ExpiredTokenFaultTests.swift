import HTTPTransport
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import S3Client

@Suite("A token that expires, or is rotated, on the way")
struct ExpiredTokenFaultTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private var environment: [String: String] {
    ["HOME": directory.path.description, "AWS_REGION": "us-east-1"]
  }

  private func rotate(_ server: ScriptedS3Server, to token: String) throws {
    try directory.write(server.rotateKeys(to: token), to: ".aws/credentials")
  }

  @Test("fault 29: in the middle of many uploads: all arrive, and the new keys are fetched once")
  func middle() async throws {
    try await ScriptedS3Server.with { server in
      try rotate(server, to: "ONE")
      let reads = Counter()
      let files = CredentialFiles { path, limit throws(Failure) in
        if path.hasSuffix("/credentials") { reads.count() }
        return try CredentialFiles.local.contents(path, limit)
      }
      let client = try client(of: server, environment, files: files) { $0.credentials = nil }
      for number in 0..<5 { _ = try await client.putObject(ObjectKey("a\(number)"), [1]) }
      let before = reads.value
      try rotate(server, to: "TWO")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<20 { group.addTask { _ = try await client.putObject(ObjectKey("b\(number)"), [1]) } }
        try await group.waitForAll()
      }
      #expect(server.keys().count == 25)
      #expect(reads.value == before + 1)
      #expect(server.statuses.contains(400))
    }
  }

  @Test("fault 29: at a HEAD, whose answer names no code")
  func head() async throws {
    try await ScriptedS3Server.with { server in
      try rotate(server, to: "ONE")
      let client = try client(of: server, environment) { $0.credentials = nil }
      _ = try await client.putObject(ObjectKey("k"), [1, 2])
      try rotate(server, to: "TWO")
      #expect(try await client.headObject(ObjectKey("k"))?.size == 2)
      #expect(server.statuses == [200, 400, 200])
    }
  }

  @Test("fault 29: where there are no others, it is told once and without any of them")
  func noOthers() async throws {
    try await ScriptedS3Server.with { server in
      try rotate(server, to: "ONE")
      let client = try client(of: server, environment) { $0.credentials = nil }
      server.change { $0.expiredTokens = ["ONE"] }
      let told = await #expect(throws: S3Error.self) { try await client.putObject(ObjectKey("k"), [1]) }
      #expect(
        told?.description == "cannot upload s3://bucket/k: the server answered 400 ExpiredToken: "
          + "The provided token has expired.; renew the session token")
      #expect(server.statuses == [400])
    }
  }

  @Test("fault 29: a token's file that is rotated is read anew for each fetch")
  func tokenFile() async throws {
    let path = try directory.write("first", to: "token").description
    let transport = ScriptedTransport(.answer(400), .answer(400))
    var around = surroundings(["AWS_WEB_IDENTITY_TOKEN_FILE": path, "AWS_ROLE_ARN": "r"], [:], transport)
    around.files = .local
    for token in ["first", "second"] {
      try directory.write(token, to: "token")
      await #expect(throws: Failure.self) { try await WebIdentityCredentials(around).ask() }
      guard case .bytes(let body)? = transport.requests.last?.body else { throw Unexpected() }
      #expect(String(decoding: body.content, as: UTF8.self).hasSuffix("WebIdentityToken=\(token)"))
    }
  }

  private struct Unexpected: Error {}
}

final class Counter: Sendable {
  private let number = Atomic<Int>(0)
  func count() { number.add(1, ordering: .relaxed) }
  var value: Int { number.load(ordering: .relaxed) }
}

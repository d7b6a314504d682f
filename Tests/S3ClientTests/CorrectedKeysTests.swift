import HTTPTransport
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import S3Client

@Suite("Keys without an end, in a file that somebody corrects")
struct CorrectedKeysTests {
  private let kept = KeptFiles([path: text("A")])
  private let clock = ManualClock(now: Timestamp(seconds: 1_369_353_600))
  private static let path = "/h/.aws/credentials"
  private static let refused = ["AccessDenied", "SignatureDoesNotMatch"].map {
    Result.answer(403, [], "<Error><Code>\($0)</Code></Error>")
  }

  private static func text(_ id: String) -> String {
    "[default]\naws_access_key_id = \(id)\naws_secret_access_key = s\n"
  }

  private func client(_ transport: any HTTPSender, reads: Counter = Counter()) throws -> S3Client {
    var settings = exampleSettings()
    settings.credentials = nil
    let (files, clock) = (kept.files, clock)
    let counted = CredentialFiles { path, limit throws(Failure) in
      if path == Self.path { reads.count() }
      return try files.contents(path, limit)
    }
    return try S3Client(
      settings, environment: ["HOME": "/h"], transport: transport, now: { clock.now() },
      retry: RequestRetry(tries: 1), files: counted)
  }

  private func keys(_ transport: ScriptedTransport) -> [String] {
    transport.requests.map { request in
      ["A", "B"].first { request.value("authorization")?.contains("Credential=\($0)/") == true } ?? ""
    }
  }

  @Test("The request that is refused is signed with the new ones", arguments: refused)
  func corrected(refusal: Result<HTTPResponse, HTTPTransportError>) async throws {
    let transport = ScriptedTransport(.answer(204), refusal, .answer(204), .answer(204))
    let client = try client(transport)
    try await client.deleteObject(ObjectKey("k"))
    kept[Self.path] = Self.text("B")
    for _ in 0..<2 { try await client.deleteObject(ObjectKey("k")) }
    #expect(keys(transport) == ["A", "A", "B", "B"])
  }

  @Test("So is a HEAD, whose answer names no code", arguments: [401, 403])
  func head(status: Int) async throws {
    let transport = ScriptedTransport(.answer(204), .answer(status), .answer(404))
    let client = try client(transport)
    try await client.deleteObject(ObjectKey("k"))
    kept[Self.path] = Self.text("B")
    #expect(try await client.headObject(ObjectKey("k")) == nil)
    #expect(keys(transport) == ["A", "A", "B"])
  }

  @Test("Where the file is as it was the refusal counts, and for a while the file is not read again")
  func same() async throws {
    let answers = AnsweringTransport { _, _ in .answer(403) }
    let reads = Counter()
    let client = try client(answers, reads: reads)
    let before = reads.value
    for _ in 0..<5 {
      let found = await code { () async throws(S3Error) in try await client.deleteObject(ObjectKey("k")) }
      #expect(found == "HTTP403")
    }
    #expect(answers.requests.count == 5)
    #expect(reads.value == before + 2)
    clock.advance(by: .seconds(31))
    _ = await code { () async throws(S3Error) in try await client.deleteObject(ObjectKey("k")) }
    #expect(reads.value == before + 3)
  }
}

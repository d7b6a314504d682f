import HTTPTransport
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import S3Client

@Suite("Faults of a copy in parts")
struct CopyFaultTests {
  private let limits = CopyLimits(single: 10, part: 8, parts: 10, window: 1)
  private let content = Array("what lies at the source, in four".utf8)
  private let source = ObjectKey("source")
  private let target = ObjectKey("target")

  /// With the source at the server, and a client that copies it.
  private func with(
    _ rules: [FaultRule] = [], tries: Int = 1, before: @escaping @Sendable (ScriptedS3Server, HTTPRequest) -> Void,
    _ body: (ScriptedS3Server, S3Client) async throws -> Void
  ) async throws {
    try await ScriptedS3Server.with { server in
      let client = try client(of: server, tries) { before(server, $0) }
      try await client.putObject("source", content, ObjectAttributes(tags: ["a": "b"], metadata: ["color": "blue"]))
      for rule in rules { server.add(rule) }
      try await body(server, client)
    }
  }

  private func with(
    _ rules: [FaultRule] = [], tries: Int = 1, _ body: (ScriptedS3Server, S3Client) async throws -> Void
  ) async throws {
    try await with(rules, tries: tries, before: { _, _ in }, body)
  }

  /// A client over real connections, which tells of each request before it is sent.
  private func client(
    of server: ScriptedS3Server, _ tries: Int, before: @escaping @Sendable (HTTPRequest) -> Void
  ) throws -> S3Client {
    var settings = S3Destination(bucket: "bucket")
    settings.endpoint = server.endpoint
    settings.credentials = .init(
      accessKeyID: server.keys.accessKeyID, secretAccessKey: Secret(server.keys.secretAccessKey), sessionToken: nil)
    return try S3Client(
      settings, environment: [:], transport: WatchedTransport(transport: try HTTPTransport(), before: before),
      now: Timestamp.wallClock, retry: RequestRetry(tries: tries))
  }

  private func copy(_ client: S3Client) async throws(S3Error) -> PutReceipt {
    try await client.copyObject(source, to: target, limits: limits)
  }

  private func partCount(_ server: ScriptedS3Server) -> Int {
    server.requests.count { $0.queryValue("partNumber") != nil }
  }

  private func expectNothing(_ server: ScriptedS3Server, _ location: Testing.SourceLocation = #_sourceLocation) {
    #expect(server.object("target") == nil, sourceLocation: location)
    #expect(server.openUploads.isEmpty, sourceLocation: location)
  }

  private func expectCopied(_ server: ScriptedS3Server, _ location: Testing.SourceLocation = #_sourceLocation) {
    #expect(server.object("target")?.content == content, sourceLocation: location)
    #expect(server.openUploads.isEmpty, sourceLocation: location)
  }

  @Test("without one it has the source's content, metadata and tags, and leaves no upload")
  func whole() async throws {
    try await with { server, client in
      let receipt = try await copy(client)
      #expect(receipt.size == 32)
      #expect(receipt.etag == server.object("target")?.etag && receipt.etag.hasSuffix("-4"))
      let head = try #require(try await client.headObject(target))
      #expect(head.metadata["color"] == "blue")
      let tags = try await client.objectTags(target)
      #expect(tags == ["a": "b"])
      #expect(partCount(server) == 4)
      expectCopied(server)
    }
  }

  @Test("fault 1: an error in a part's 200 is no success: the part is copied again")
  func errorInPart() async throws {
    let rule = FaultRule(
      FaultRule.Match(method: "PUT", queryName: "partNumber", occurrences: 2...2), .errorIn200(code: "InternalError"))
    try await with([rule], tries: 2) { server, client in
      _ = try await copy(client)
      #expect(partCount(server) == 4 + 1)
      expectCopied(server)
    }
    try await with([rule]) { server, client in
      let error = await #expect(throws: S3Error.self) { try await copy(client) }
      #expect(error?.code == "InternalError")
      expectNothing(server)
    }
  }

  @Test("fault 1: an error in a completion's 200 is no success: it is completed again")
  func errorInCompletion() async throws {
    let rule = FaultRule(FaultRule.Match(method: "POST", queryName: "uploadId"), .errorIn200(code: "InternalError"))
    let once = FaultRule(
      FaultRule.Match(method: "POST", queryName: "uploadId", occurrences: 1...1), .errorIn200(code: "InternalError"))
    try await with([once], tries: 2) { server, client in
      _ = try await copy(client)
      expectCopied(server)
    }
    try await with([rule]) { server, client in
      let error = await #expect(throws: S3Error.self) { try await copy(client) }
      #expect(error?.code == "InternalError")
      expectNothing(server)
    }
  }

  @Test(
    "fault 2: a part's truncated answer, or a proxy's page, is none",
    arguments: [FaultRule.Action.truncatedBody, .html(status: 200)])
  func oddAnswer(_ action: FaultRule.Action) async throws {
    let rule = FaultRule(FaultRule.Match(method: "PUT", queryName: "partNumber", occurrences: 3...3), action)
    try await with([rule]) { server, client in
      let error = await #expect(throws: S3Error.self) { try await copy(client) }
      #expect(error?.code == "InvalidAnswer")
      #expect(error?.kind == .transient(retryAfter: nil))
      expectNothing(server)
    }
  }

  @Test(
    "fault 3: a completion whose answer was lost or is odd is done, once",
    arguments: [FaultRule.Action.reset(.afterEffect), .truncatedBody, .answerAfterEffect(status: 500, code: "")])
  func lostCompletion(_ action: FaultRule.Action) async throws {
    let rule = FaultRule(FaultRule.Match(method: "POST", queryName: "uploadId", occurrences: 1...1), action)
    try await with([rule]) { server, client in
      let receipt = try await copy(client)
      #expect(receipt.etag == server.object("target")?.etag)
      expectCopied(server)
    }
  }

  @Test("fault 8: a source in whose place another object is put meanwhile is not mixed with it")
  func sourceChanged() async throws {
    let isDone = Atomic<Bool>(false)
    try await with(before: { server, request in
      guard request.url.contains("partNumber=3"), !isDone.exchange(true, ordering: .relaxed) else { return }
      server.place("source", content: [UInt8](repeating: 7, count: 32))
    }) { server, client in
      let error = await #expect(throws: S3Error.self) { try await copy(client) }
      #expect(error?.code == Failure.sourceChanged)
      #expect(error?.kind == .transient(retryAfter: nil))
      #expect(partCount(server) == 3)
      #expect(server.requests.last { $0.queryValue("partNumber") != nil }?.status == 412)
      expectNothing(server)
      _ = try await copy(client)
      #expect(server.object("target")?.content == [UInt8](repeating: 7, count: 32))
    }
  }

  @Test("fault 8: a source that is gone before a part of it is copied is an error, and nothing is left")
  func sourceGone() async throws {
    try await with(before: { server, request in
      if request.url.contains("partNumber=2") { server.remove("source") }
    }) { server, client in
      let error = await #expect(throws: S3Error.self) { try await copy(client) }
      #expect(error?.code == "NoSuchKey")
      expectNothing(server)
    }
  }

  @Test("fault 26: a connection that is reset costs that part alone one more request")
  func resetPart() async throws {
    let rule = FaultRule(
      FaultRule.Match(method: "PUT", queryName: "partNumber", occurrences: 2...2), .reset(.afterEffect))
    try await with([rule], tries: 2) { server, client in
      _ = try await copy(client)
      #expect(partCount(server) == 5)
      expectCopied(server)
    }
  }
}

private struct WatchedTransport: HTTPSender {
  let transport: HTTPTransport
  let before: @Sendable (HTTPRequest) -> Void

  func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    before(request)
    return try await transport.send(request)
  }
}

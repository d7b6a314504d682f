import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite("What a check finds") struct ServerCheckTests {
  /// No check has header rules.
  private struct NoPatterns: PatternCompiler {
    func compile(_ pattern: String) throws(PatternProblem) -> any Pattern {
      throw PatternProblem(pattern: pattern, offset: 0, message: "none is expected")
    }
  }

  private func check(
    _ transport: any HTTPSender, endpoint: String?, _ credentials: S3Destination.Keys, server: S3ServerKind? = nil
  ) async -> [String] {
    var settings = S3Destination(bucket: "bucket")
    settings.server = server
    settings.endpoint = endpoint
    settings.region = "us-east-1"
    settings.credentials = credentials
    var findings: [CheckFinding] = []
    await ServerCheck(
      settings, prefix: Array("pre".utf8), name: "x", environment: [:], transport: transport, patterns: NoPatterns(),
      now: Timestamp.wallClock
    ).run { findings.append($0) }
    return findings.map {
      "\($0.grade.rawValue) \($0.subject): \($0.text)" + ($0.remedy.isEmpty ? "" : "; \($0.remedy)")
    }
  }

  /// What is told by a server that fails by these rules.
  private func check(
    _ rules: FaultRule..., then body: (ScriptedS3Server) -> Void = { _ in }
  ) async throws -> [String] {
    try await ScriptedS3Server.with(rules: rules) { server in
      let told = try await check(
        HTTPTransport(), endpoint: server.endpoint,
        .init(
          accessKeyID: server.keys.accessKeyID, secretAccessKey: Secret(server.keys.secretAccessKey), sessionToken: nil)
      )
      body(server)
      return told
    }
  }

  private static let forbidden = FaultRule.Action.answer(status: 403, code: "AccessDenied")
  private static let busy = FaultRule.Action.answer(status: 503, code: "SlowDown")

  private func expectNothingLeft(_ server: ScriptedS3Server) {
    #expect(server.keys().isEmpty)
    #expect(server.openUploads.isEmpty)
  }

  @Test("Where everything works nothing but that is said")
  func everything() async throws {
    let told = try await check(then: expectNothingLeft)
    #expect(told.allSatisfy { $0.hasPrefix("ok ") }, "\(told)")
    #expect(told.contains("ok credentials: AKIASCRIPTED of the destination"))
    #expect(told.contains("ok deleting: the probe object is gone again"))
  }

  @Test("Credentials that may only upload are enough, and what they lack is told with what follows")
  func uploadOnly() async throws {
    let told = try await check(
      .every("HEAD", "", Self.forbidden), .every("GET", "", Self.forbidden),
      FaultRule(.init(method: "DELETE", queryName: "uploadId"), Self.forbidden), .every("DELETE", "", Self.forbidden)
    ) { server in
      #expect(server.keys() == [Array("pre/.slipway-check-x".utf8)])
      #expect(server.openUploads.map(\.key) == [ObjectKey("pre/.slipway-check-x")])
    }
    #expect(told.filter { $0.hasPrefix("failed") } == [])
    let notes = [
      "note bucket: these credentials may not look at bucket: s3:ListBucket is missing; uploads do without; allow it for "
        + "overwrite: different, which must see that nothing lies at a key",
      "note looking: these credentials may not look at objects: s3:GetObject is missing; uploads do without, but send "
        + "again what an answer was lost of; allow it for overwrite: different and never",
      "note resuming: these credentials may not list an upload's parts: s3:ListMultipartUploadParts is missing; "
        + "uploads do without, but learn only at the end which parts of an interrupted one the server has lost, and then "
        + "begin anew; allow it for large files",
      "note ending: these credentials may not end an upload: s3:AbortMultipartUpload is missing, and the probe's of "
        + "pre/.slipway-check-x stays; allow it, or let a lifecycle rule of the bucket end what is unfinished: its parts "
        + "cost money",
      "note deleting: these credentials may not delete: s3:DeleteObject is missing, and the probe object "
        + "pre/.slipway-check-x stays; uploads do without; delete it with other credentials",
    ]
    for note in notes { #expect(told.contains(note), "\(told)") }
  }

  @Test("Who may not look still removes the probe")
  func removes() async throws {
    let told = try await check(.every("HEAD", "", Self.forbidden), then: expectNothingLeft)
    #expect(told.last == "ok deleting: the probe object is gone again")
  }

  @Test("A probe whose answer was lost is removed, a refused one was never there")
  func lostAnswer() async throws {
    let lost = try await check(.every("PUT", "", .reset(.afterEffect)), then: expectNothingLeft)
    #expect(lost.last?.hasPrefix("failed upload: ") == true, "\(lost)")
    let refused = try await check(.every("HEAD", "", Self.forbidden), .every("PUT", "", Self.forbidden)) { server in
      #expect(!server.requests.contains { $0.method == "DELETE" })
    }
    #expect(refused.last?.hasPrefix("failed upload: the server answered 403 AccessDenied") == true, "\(refused)")
    #expect(!refused.contains { $0.contains("s3:ListBucket") })
  }

  @Test("A lost connection or a busy server is no answer to any question")
  func passing() async throws {
    let reset = try await check(
      FaultRule(.init(method: "PUT", headerName: "x-amz-checksum-sha256"), .reset(.beforeBody)))
    let checksums = try #require(reset.first { $0.contains(" checksums: ") })
    #expect(
      checksums.hasPrefix("note checksums: proven: crc64nvme, crc32c, md5; not: none; could not be tried: sha256 ("))
    #expect(checksums.hasSuffix("; run slipway check again"))
    for (rule, subject) in [
      (FaultRule(.init(method: "PUT", headerName: "if-match"), Self.busy), "conditions"),
      (FaultRule(.init(method: "PUT", headerName: "if-none-match"), Self.busy), "conditions"),
      (FaultRule(.init(method: "PUT", headerName: "x-amz-tagging"), Self.busy), "tags"),
      (FaultRule(.init(method: "POST", queryName: "uploads"), Self.busy), "parts"),
      (FaultRule(.init(method: "GET", queryName: "uploadId"), Self.busy), "resuming"),
    ] {
      let told = try await check(rule, then: expectNothingLeft)
      #expect(
        told.filter { !$0.hasPrefix("ok ") } == [
          "note \(subject): could not be tried: the server answered 503 SlowDown: SlowDown; run slipway check again"
        ])
    }
  }

  @Test("Each of the two conditions is told")
  func conditions() async throws {
    let unknown = FaultRule.Action.answer(status: 501, code: "NotImplemented")
    let told = try await check(FaultRule(.init(method: "PUT", headerName: "if-none-match"), unknown))
    #expect(
      told.contains(
        "note conditions: If-Match is honoured, If-None-Match is not; overwrite: different fits where no two writers "
          + "begin the same key"))
    let other = try await check(FaultRule(.init(method: "PUT", headerName: "if-match"), unknown))
    #expect(other.contains("note conditions: If-None-Match is honoured, If-Match is not; overwrite: never fits"))
  }

  @Test("Tags that are forbidden name the permission")
  func forbiddenTags() async throws {
    let told = try await check(FaultRule(.init(method: "PUT", headerName: "x-amz-tagging"), Self.forbidden))
    #expect(
      told.contains {
        $0.hasPrefix("note tags: tags are refused: ")
          && $0.hasSuffix("; allow s3:PutObjectTagging, or leave tags out, also in pre hooks")
      }, "\(told)")
  }

  @Test("A server that forgets the tags of parts is told with the setting that fits, and then it fits")
  func tagsOfParts() async throws {
    let note =
      "note tags of parts: what is sent in parts has lost its tags; server: ceph fits, which puts them by a request of "
      + "their own"
    for (kind, expected) in [(S3ServerKind?.none, [note]), (.ceph, [])] {
      try await ScriptedS3Server.with { server in
        server.forgetTagsOfParts()
        let keys = S3Destination.Keys(
          accessKeyID: server.keys.accessKeyID, secretAccessKey: Secret(server.keys.secretAccessKey), sessionToken: nil)
        let told = try await check(HTTPTransport(), endpoint: server.endpoint, keys, server: kind)
        #expect(told.filter { !$0.hasPrefix("ok ") } == expected)
        expectNothingLeft(server)
      }
    }
  }

  @Test("An answer without a word to who asks for the tags means that they are lost")
  func unreadableTags() async throws {
    let told = try await check(FaultRule(.init(method: "GET", queryName: "tagging"), .html(status: 200)))
    #expect(told.contains { $0.hasPrefix("note tags of parts: what is sent in parts has lost its tags") }, "\(told)")
  }

  @Test("AWS is asked whose the keys are, in the bucket's region; nobody else is")
  func account() async throws {
    let transport = AnsweringTransport { request, _ in
      guard request.url.hasPrefix("https://sts.") else { return .answer(403) }
      return .answer(
        200, [],
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/ci</Arn><Account>1</Account>"
          + "</GetCallerIdentityResult></GetCallerIdentityResponse>")
    }
    let keys = S3Destination.Keys(accessKeyID: "AKIDX", secretAccessKey: Secret("s"), sessionToken: nil)
    let told = await check(transport, endpoint: nil, keys)
    #expect(
      told.prefix(3).suffix(2) == ["ok credentials: AKIDX of the destination", "ok account: arn:aws:iam::1:user/ci"])
    let asked = transport.requests.filter { $0.url.contains("//sts.") }
    #expect(asked.map(\.url) == ["https://sts.us-east-1.amazonaws.com/"])
    #expect(asked.first?.value("authorization")?.contains("/us-east-1/sts/aws4_request") == true)
    let elsewhere = AnsweringTransport { _, _ in .answer(403) }
    let others = await check(elsewhere, endpoint: "http://127.0.0.1:1", keys)
    #expect(!others.contains { $0.contains("account") })
    #expect(!elsewhere.requests.contains { $0.url.contains("sts") })
  }

  @Test("That AWS does not tell is no failure of the keys")
  func unknownAccount() async throws {
    let transport = AnsweringTransport { request, _ in
      request.url.hasPrefix("https://sts.")
        ? .answer(403, [], "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>")
        : .answer(403)
    }
    let told = await check(
      transport, endpoint: nil, .init(accessKeyID: "AKIDX", secretAccessKey: Secret("s"), sessionToken: nil))
    #expect(
      told.contains(
        "note account: AWS does not tell whose keys these are: sts.us-east-1.amazonaws.com answered 403 "
          + "InvalidClientTokenId"), "\(told)")
  }
}

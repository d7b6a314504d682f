import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite("faults 4 to 7: PUTs that must not overwrite")
struct OverwriteFaultTests {
  private let key = ObjectKey("k")
  private let content = Array("what is sent".utf8)

  private func with(
    _ rules: [FaultRule] = [], _ change: (inout S3Destination) -> Void,
    _ body: (ScriptedS3Server, S3Client) async throws -> Void
  ) async throws {
    try await ScriptedS3Server.with(rules: rules) { server in
      var settings = S3Destination(bucket: "bucket")
      settings.endpoint = server.endpoint
      settings.credentials = .init(
        accessKeyID: server.keys.accessKeyID, secretAccessKey: Secret(server.keys.secretAccessKey), sessionToken: nil)
      change(&settings)
      let transport = try HTTPTransport()
      defer { transport.shutdown() }
      try await body(
        server, try S3Client(settings, environment: [:], transport: transport, now: { Timestamp.wallClock() }))
    }
  }

  private func put(
    _ client: S3Client, _ content: [UInt8]? = nil, token: String? = nil
  ) async throws -> PutReceipt {
    let content = content ?? self.content
    var hasher = try ContentHasher(client.proof)
    content.withUnsafeBytes { hasher.update($0) }
    return try await client.putObject(key, .bytes(content), digests: try hasher.finalize(), token: token)
  }

  private func methods(_ server: ScriptedS3Server) -> [String] { server.requests.map(\.method) }

  @Test("Another writer's object at the key stays what it is, and is this file's permanent error")
  func foreign() async throws {
    try await with([], { $0.overwrite = .never }) { server, client in
      _ = try await put(client, Array("another's".utf8), token: "theirs")
      let error = await #expect(throws: S3Error.self) { try await put(client, token: "ours") }
      #expect(error?.kind == .permanent)
      #expect(
        error?.failure.message
          == "cannot upload s3://bucket/k: another object is there, and overwrite: never leaves it alone; delete or "
          + "rename one of the two")
      #expect(server.object("k")?.content == Array("another's".utf8))
    }
  }

  @Test("An object that is there with the same size and checksum is delivered, whoever put it there")
  func equal() async throws {
    try await with([], { $0.overwrite = .never }) { server, client in
      let theirs = try await put(client, token: "theirs")
      let ours = try await put(client, token: "ours")
      #expect(theirs.isSent && !ours.isSent)
      #expect(methods(server) == ["PUT", "PUT", "HEAD"])
    }
  }

  @Test(
    "A PUT that took effect and whose answer was lost is delivered, once, and counts as sent",
    arguments: [S3Destination.Overwrite.never, .different])
  func lostAnswer(overwrite: S3Destination.Overwrite) async throws {
    let token = overwrite == .never ? "ours" : nil
    try await with([.first("PUT", "", .reset(.afterEffect))], { $0.overwrite = overwrite }) { server, client in
      let receipt = try await put(client, token: token)
      #expect(receipt.isSent)
      #expect(receipt.etag == server.object("k")?.etag)
      #expect(receipt.checksum?.algorithm == .md5)
      #expect(server.requests.filter { $0.method == "PUT" }.map(\.status) == [nil, 412])
      #expect(methods(server).last == "HEAD")
    }
  }

  @Test("A conflict with another conditional PUT means that ours is sent again")
  func conflict() async throws {
    let rule = FaultRule.first("PUT", "", .answer(status: 409, code: "ConditionalRequestConflict"))
    try await with([rule], { $0.overwrite = .never }) { server, client in
      _ = try await put(client, token: "ours")
      #expect(server.requests.map(\.status) == [409, 200])
      #expect(server.object("k")?.content == content)
    }
  }

  @Test(
    "Bytes that the server stored otherwise than they were sent are an error, and replaced when they are sent again",
    arguments: [S3Destination.Overwrite.never, .different])
  func corrupted(overwrite: S3Destination.Overwrite) async throws {
    try await with([.first("PUT", "", .corrupt)], { $0.overwrite = overwrite }) { server, client in
      let error = await #expect(throws: S3Error.self) { try await put(client, token: "ours") }
      #expect(error?.code == "StoredOtherBytes")
      #expect(error?.kind == .transient(retryAfter: nil))
      #expect(server.object("k")?.content != content)
      let receipt = try await put(client, token: "ours")
      #expect(server.object("k")?.content == content)
      #expect(receipt.etag == server.object("k")?.etag)
    }
  }

  @Test("A server that knows no conditional writes, or rejects checksum headers, gets an error that names the setting")
  func unknown() async throws {
    let rule = FaultRule.every("PUT", "", .answer(status: 501, code: "NotImplemented"))
    try await with([rule], { $0.overwrite = .never }) { server, client in
      let error = await #expect(throws: S3Error.self) { try await put(client, token: "ours") }
      #expect(error?.kind == .permanent)
      #expect(
        error?.failure.remedy == "the server may not know what the destination asks for: overwrite: never")
      #expect(server.keys() == [])
    }
    let refusal = FaultRule.every("PUT", "", .answer(status: 400, code: "InvalidArgument"))
    try await with([refusal], { $0.checksum = .crc64nvme }) { server, client in
      let error = await #expect(throws: S3Error.self) { try await put(client) }
      #expect(
        error?.failure.remedy == "the server may not know what the destination asks for: checksum: crc64nvme")
    }
  }

  @Test("A refused upload in parts names the settings, too")
  func unknownInParts() async throws {
    let rule = FaultRule.every("POST", "", .answer(status: 501, code: "NotImplemented"))
    try await with([rule], { $0.storageClass = "COLD" }) { server, client in
      let error = await #expect(throws: S3Error.self) {
        try await client.createMultipartUpload(key, token: "ours", attributes: ObjectAttributes()) {}
      }
      #expect(
        error?.failure.remedy == "the server may not know what the destination asks for: storage_class")
      #expect(server.requests.count == 1)
    }
  }

  @Test("What is equal is not sent again, and what differs is")
  func different() async throws {
    try await with([], { $0.overwrite = .different }) { server, client in
      let first = try await put(client)
      let second = try await put(client)
      let third = try await put(client, Array("something new".utf8))
      #expect(first.isSent && !second.isSent && third.isSent)
      #expect(methods(server) == ["HEAD", "PUT", "HEAD", "HEAD", "PUT"])
      #expect(server.object("k")?.content == Array("something new".utf8))
    }
  }
}

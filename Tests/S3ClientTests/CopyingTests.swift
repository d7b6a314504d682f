import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite("Copying objects") struct CopyingTests {
  private let attributes = ObjectAttributes(tags: ["team": "a&b"], metadata: ["color": "blue"])

  @Test("A copy has content, type, metadata and tags of its source")
  func whole() async throws {
    try await ScriptedS3Server.with { server in
      let client = try client(of: server)
      try await client.putObject("dir/a+b %.json", Array("content".utf8), attributes)
      let receipt = try await client.copyObject(ObjectKey("dir/a+b %.json"), to: ObjectKey("copy"))
      let head = try #require(try await client.headObject(ObjectKey("copy")))
      #expect(receipt.size == 7)
      #expect(receipt.etag == head.etag)
      #expect(head.metadata == ["color": "blue"])
      #expect(head.contentType == "application/json")
      #expect(try await client.objectTags(ObjectKey("copy")) == ["team": "a&b"])
      #expect(try await client.getObject(ObjectKey("copy")) == Array("content".utf8))
      let copy = try #require(server.requests.first { $0.header("x-amz-copy-source") != nil })
      #expect(copy.header("x-amz-copy-source") == "bucket/dir/a%2Bb%20%25.json")
      #expect(copy.header("x-amz-copy-source-if-match") == "\"\(head.etag)\"")
    }
  }

  /// What a destination may ask for beside content, tags and metadata.
  private static func demanding(_ settings: inout S3Destination) {
    settings.storageClass = "GLACIER_IR"
    settings.acl = "public-read"
    settings.encryption = .init(kind: .kms, keyID: "key/1")
    settings.paysAsRequester = true
    settings.expectedBucketOwner = "123456789012"
    settings.tags = ["never": "meant"]
    settings.metadata = ["never": "meant"]
  }

  @Test("A copy is made as the destination asks for objects, whole or in parts", arguments: [false, true])
  func settled(inParts: Bool) async throws {
    try await ScriptedS3Server.with { server in
      try await client(of: server) { $0.storageClass = "STANDARD_IA" }
        .putObject("k", [UInt8](repeating: 1, count: 20), attributes)
      let limits = CopyLimits(single: inParts ? 10 : 20, part: 8)
      let client = try client(of: server) { Self.demanding(&$0) }
      _ = try await client.copyObject(ObjectKey("k"), to: ObjectKey("copy"), limits: limits)
      let made = try #require(
        server.requests.first { $0.key == Array("copy".utf8) && ($0.queryValue("uploads") != nil) == inParts })
      #expect(made.header("x-amz-storage-class") == "GLACIER_IR")
      #expect(made.header("x-amz-acl") == "public-read")
      #expect(made.header("x-amz-server-side-encryption") == "aws:kms")
      #expect(made.header("x-amz-server-side-encryption-aws-kms-key-id") == "key/1")
      for request in server.requests.dropFirst() {
        #expect(request.header("x-amz-request-payer") == "requester")
        #expect(request.header("x-amz-expected-bucket-owner") == "123456789012")
      }
      let parts = server.requests.filter { $0.queryValue("uploadId") != nil }
      #expect(parts.allSatisfy { $0.header("x-amz-storage-class") == nil && $0.header("x-amz-acl") == nil })
      let head = try #require(try await client.headObject(ObjectKey("copy")))
      #expect(head.storageClass == "GLACIER_IR")
      #expect(head.metadata["color"] == "blue" && head.metadata["never"] == nil)
      #expect(try await client.objectTags(ObjectKey("copy")) == ["team": "a&b"])
    }
  }

  @Test("A refused copy names the settings that asked for more than a plain one", arguments: [false, true])
  func refused(inParts: Bool) async throws {
    let rule = FaultRule(
      FaultRule.Match(method: inParts ? "POST" : "PUT"), .answer(status: 400, code: "InvalidStorageClass"))
    try await ScriptedS3Server.with(rules: [rule]) { server in
      server.place("k", content: [UInt8](repeating: 1, count: 20))
      let client = try client(of: server) { Self.demanding(&$0) }
      let error = await #expect(throws: S3Error.self) {
        try await client.copyObject(
          ObjectKey("k"), to: ObjectKey("copy"), limits: CopyLimits(single: inParts ? 10 : 20, part: 8))
      }
      #expect(
        error?.failure.remedy
          == "the server may not know what the destination asks for: acl, sse or storage_class")
    }
  }

  @Test("The source may lie in another bucket of the same server, and of no other")
  func buckets() async throws {
    var settings = ScriptedS3Server.Settings()
    settings.buckets = ["bucket", "other"]
    try await ScriptedS3Server.with(settings) { server in
      server.place("k", in: "other", content: [1])
      let origin = try client(of: server) { $0.bucket = "other" }
      let elsewhere = try client(of: server) {
        $0.bucket = "other"
        $0.endpoint = "http://127.0.0.2:1"
      }
      let client = try client(of: server)
      _ = try await client.copyObject(ObjectKey("k"), of: origin, to: ObjectKey("k"))
      #expect(server.object("k")?.content == [1])
      let error = await #expect(throws: S3Error.self) {
        try await client.copyObject(ObjectKey("k"), of: elsewhere, to: ObjectKey("k"))
      }
      #expect(error?.code == "OtherServer")
    }
  }

  @Test("A source that is not there, or not the one that is meant, is an error, and the target stays")
  func sources() async throws {
    try await ScriptedS3Server.with { server in
      let client = try client(of: server)
      server.place("target", content: [7])
      server.place("k", content: [1])
      let missing = await #expect(throws: S3Error.self) {
        try await client.copyObject(ObjectKey("absent"), to: ObjectKey("target"))
      }
      #expect(missing?.failure.message == "cannot copy s3://bucket/absent: there is no such object")
      let other = await #expect(throws: S3Error.self) {
        try await client.copyObject(ObjectKey("k"), to: ObjectKey("target"), ifMatch: "e")
      }
      #expect(other?.code == "PreconditionFailed")
      server.add(.every("PUT", "", .answer(status: 412, code: "PreconditionFailed")))
      let changed = await #expect(throws: S3Error.self) {
        try await client.copyObject(ObjectKey("k"), to: ObjectKey("target"))
      }
      #expect(changed?.code == Failure.sourceChanged)
      #expect(changed?.kind == .transient(retryAfter: nil))
      #expect(server.object("target")?.content == [7])
    }
  }

  @Test("An error in an answer of status 200 is that error, and anything but a result is one too")
  func errorIn200() async throws {
    try await ScriptedS3Server.with { server in
      server.place("k", content: [1])
      let client = try client(of: server)
      server.add(.first("PUT", "", .errorIn200(code: "InternalError")), .every("PUT", "", .html(status: 200)))
      let first = await #expect(throws: S3Error.self) {
        try await client.copyObject(ObjectKey("k"), to: ObjectKey("copy"))
      }
      #expect(first?.code == "InternalError")
      #expect(first?.kind == .transient(retryAfter: nil))
      let second = await #expect(throws: S3Error.self) {
        try await client.copyObject(ObjectKey("k"), to: ObjectKey("copy"))
      }
      #expect(second?.code == "InvalidAnswer")
    }
  }

  @Test("A size that no object has is an error, not a number to reckon with")
  func hostileSize() async throws {
    let transport = ScriptedTransport(.answer(200, ["Content-Length: 9223372036854775807", "ETag: \"e\""]))
    let error = await #expect(throws: S3Error.self) {
      try await client(transport).copyObject(ObjectKey("a"), to: ObjectKey("k"))
    }
    #expect(error?.code == "EntityTooLarge")
    #expect(error?.kind == .permanent)
    #expect(transport.requests.count == 1)
  }

  @Test("Parts grow so that 10,000 suffice, and none is larger than a copy may be")
  func partSizes() {
    let limits = CopyLimits()
    #expect(limits.partSize(for: 6 << 30) == 256 << 20)
    for size: Int64 in [5 << 40, 50_000_000_000_000] {
      let part = limits.partSize(for: size)
      #expect((size + part - 1) / part <= 10_000)
      #expect(part <= 5 << 30)
    }
  }
}

@Suite("Copying in parts") struct PartCopyTests {
  private let limits = CopyLimits(single: 10, part: 8, parts: 10, window: 1)

  @Test("Above the limit parts are copied, and what the object carries is carried over")
  func parts() async throws {
    let transport = AnsweringTransport { request, _ in standardAnswer(to: request) }
    let receipt = try await client(transport).copyObject(ObjectKey("a b"), to: ObjectKey("k"), limits: limits)
    #expect(receipt == PutReceipt(size: 20, etag: "whole-3", checksum: nil))
    let requests = transport.requests
    #expect(
      requests.map { "\($0.method.rawValue) \($0.url.dropFirst("http://127.0.0.1:7480/b/".utf8.count))" } == [
        "HEAD a%20b", "GET a%20b?tagging=", "POST k?uploads=", "PUT k?partNumber=1&uploadId=u%2F1",
        "PUT k?partNumber=2&uploadId=u%2F1", "PUT k?partNumber=3&uploadId=u%2F1", "POST k?uploadId=u%2F1",
      ])
    let begun = requests[2]
    #expect(begun.value("content-type") == "text/x")
    #expect(begun.value("cache-control") == "no-cache")
    #expect(begun.value("x-amz-meta-color") == "blue")
    #expect(begun.value("x-amz-tagging") == "team=a%26b")
    #expect(begun.value("x-amz-meta-slipway-token")?.utf8.count == 32)
    #expect(requests[3...5].map { $0.value("x-amz-copy-source-range") } == ["bytes=0-7", "bytes=8-15", "bytes=16-19"])
    #expect(requests[3...5].allSatisfy { $0.value("x-amz-copy-source-if-match") == "\"e\"" })
    #expect(requests[3...5].allSatisfy { $0.value("x-amz-copy-source") == "b/a%20b" })
  }

  @Test("A copy that fails is aborted, and its error is the one that is told")
  func aborted() async throws {
    let transport = AnsweringTransport { request, _ in
      if request.method == .delete { return .answer(500) }
      let fails = request.url.contains("partNumber=2")
      return fails ? .answer(200, [], "<Error><Code>SlowDown</Code></Error>") : standardAnswer(to: request)
    }
    let error = await #expect(throws: S3Error.self) {
      try await client(transport).copyObject(ObjectKey("a"), to: ObjectKey("k"), limits: limits)
    }
    #expect(error?.code == "SlowDown")
    #expect(transport.requests.last?.method == .delete)
    #expect(transport.requests.last?.url.hasSuffix("/b/k?uploadId=u%2F1") == true)
  }

  @Test("Where the answer to the completion is lost or odd, the object's token decides", arguments: [true, false])
  func lostCompletion(isDone: Bool) async throws {
    let transport = AnsweringTransport { request, earlier in
      if request.method == .post, !request.url.contains("uploads=") {
        return .answer(404, [], "<Error><Code>NoSuchUpload</Code></Error>")
      }
      guard request.method == .head, request.url.hasSuffix("/b/k") else { return standardAnswer(to: request) }
      let token = isDone ? earlier.compactMap { $0.value("x-amz-meta-slipway-token") }.first ?? "" : "another"
      return .answer(200, ["Content-Length: 20", "ETag: \"told\"", "x-amz-meta-slipway-token: \(token)"])
    }
    let result = await Task {
      try await client(transport).copyObject(ObjectKey("a"), to: ObjectKey("k"), limits: limits)
    }.result
    if isDone {
      #expect(try result.get().etag == "told")
      #expect(!transport.requests.contains { $0.method == .delete })
    } else {
      let error = #expect(throws: S3Error.self) { try result.get() }
      #expect(error?.code == "NoSuchUpload")
      #expect(transport.requests.last?.method == .delete)
    }
  }

  @Test("Metadata that the server cannot tell is not lost in silence")
  func missingMetadata() async throws {
    let transport = ScriptedTransport(.answer(200, ["Content-Length: 20", "ETag: \"e\"", "x-amz-missing-meta: 1"]))
    let error = await #expect(throws: S3Error.self) {
      try await client(transport).copyObject(ObjectKey("a"), to: ObjectKey("k"), limits: limits)
    }
    #expect(error?.code == "MissingMetadata")
    #expect(transport.requests.count == 1)
  }
}

/// Of a server where all goes well and the source has 20 bytes.
private func standardAnswer(to request: HTTPRequest) -> Result<HTTPResponse, HTTPTransportError> {
  switch request.method {
  case .head:
    .answer(
      200,
      [
        "Content-Length: 20", "ETag: \"e\"", "Content-Type: text/x", "Cache-Control: no-cache",
        "x-amz-meta-color: blue", "x-amz-meta-slipway-token: older",
      ])
  case .get:
    .answer(
      200, [], "<Tagging><TagSet><Tag><Key>team</Key><Value>a&amp;b</Value></Tag></TagSet></Tagging>")
  case .post where request.url.contains("uploads="):
    .answer(200, [], "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>")
  case .post:
    .answer(
      200, [],
      "<CompleteMultipartUploadResult><ETag>&quot;whole-3&quot;</ETag></CompleteMultipartUploadResult>")
  case .put: .answer(200, [], "<CopyPartResult><ETag>&quot;part&quot;</ETag></CopyPartResult>")
  case .delete: .answer(204)
  }
}

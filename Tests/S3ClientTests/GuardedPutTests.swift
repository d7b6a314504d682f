import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

@Suite("A PUT that looks before it overwrites")
struct GuardedPutTests {
  private let abc = Array("abc".utf8)
  private let md5 = "900150983cd24fb0d6963f7d28e17f72"
  private let other = "d41d8cd98f00b204e9800998ecf8427e"
  private let key = ObjectKey("k")

  private func put(_ client: S3Client, token: String? = nil) async throws(S3Error) -> PutReceipt {
    let digests: ContentDigests
    do throws(Failure) {
      var hasher = try ContentHasher(client.proof)
      abc.withUnsafeBytes { hasher.update($0) }
      digests = try hasher.finalize()
    } catch { throw S3Error(error) }
    return try await client.putObject(key, .bytes(abc), digests: digests, token: token)
  }

  private func failure(_ client: S3Client, token: String? = nil) async -> Failure? {
    do throws(S3Error) {
      _ = try await put(client, token: token)
      return nil
    } catch { return error.failure }
  }

  private func found(_ etag: String, length: Int = 3, _ more: String...) -> Result<HTTPResponse, HTTPTransportError> {
    .answer(200, ["Content-Length: \(length)", "ETag: \"\(etag)\""] + more)
  }

  private var stored: Result<HTTPResponse, HTTPTransportError> { .answer(200, ["ETag: \"\(md5)\""]) }
  private var taken: Result<HTTPResponse, HTTPTransportError> {
    .answer(412, [], "<Error><Code>PreconditionFailed</Code></Error>")
  }

  private func methods(_ transport: ScriptedTransport) -> [String] {
    transport.requests.map { request in
      let condition = request.value("if-none-match").map { " none \($0)" } ?? request.value("if-match").map { " \($0)" }
      return request.method.rawValue + (condition ?? "")
    }
  }

  @Test("What is there with the same size and MD5 counts as delivered, without a PUT")
  func same() async throws {
    let transport = ScriptedTransport(found(md5))
    let receipt = try await put(try client(transport) { $0.overwrite = .different })
    #expect(methods(transport) == ["HEAD"])
    #expect(transport.requests[0].value("x-amz-checksum-mode") == nil)
    #expect(receipt.size == 3)
    #expect(receipt.etag == md5)
    #expect(!receipt.isSent)
    #expect(receipt.checksum?.hexadecimalValue == md5)
  }

  @Test("A checksum that the server keeps is asked for and compared, and one of parts is not")
  func checksums() async throws {
    let sha256 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
    let field = "x-amz-checksum-sha256: \(sha256)"
    let transport = ScriptedTransport(
      found("x-1", field), found("x-1", field + "-1"), .answer(200, ["ETag: \"e\"", field]),
      found(md5, "x-amz-checksum-sha256: AAAA"),
      .answer(200, ["ETag: \"e\"", field]))
    let client = try client(transport) {
      $0.overwrite = .different
      $0.checksum = .sha256
    }
    let receipt = try await put(client)
    #expect(transport.requests[0].value("x-amz-checksum-mode") == "ENABLED")
    #expect(receipt.checksum?.algorithm == .sha256)
    for _ in 0..<2 { _ = try await put(client) }
    #expect(methods(transport) == ["HEAD", "HEAD", "PUT \"x-1\"", "HEAD", "PUT \"\(md5)\""])
  }

  @Test("Anything else is replaced, if it is still what was seen")
  func different() async throws {
    let transport = ScriptedTransport(found(other), stored, found(md5, length: 4), stored, .answer(404), stored)
    let client = try client(transport) { $0.overwrite = .different }
    for _ in 0..<3 { #expect(try await put(client).isSent) }
    #expect(
      methods(transport) == ["HEAD", "PUT \"\(other)\"", "HEAD", "PUT \"\(md5)\"", "HEAD", "PUT none *"])
  }

  @Test("A server without conditional writes gets plain PUTs")
  func unconditional() async throws {
    let transport = ScriptedTransport(found(other), stored, .answer(404), stored)
    let client = try client(transport) {
      $0.overwrite = .different
      $0.server = .b2
    }
    for _ in 0..<2 { _ = try await put(client) }
    #expect(methods(transport) == ["HEAD", "PUT", "HEAD", "PUT"])
  }

  @Test("An object that changes between look and PUT is looked at again, and gone is as good as changed")
  func changed() async throws {
    let gone = ScriptedTransport.answer404
    let transport = ScriptedTransport(found(other), taken, found("b"), gone, .answer(404), stored)
    _ = try await put(try client(transport) { $0.overwrite = .different })
    #expect(
      methods(transport) == ["HEAD", "PUT \"\(other)\"", "HEAD", "PUT \"b\"", "HEAD", "PUT none *"])
  }

  @Test("An ETag that is refused although it is still there is sent without its quotes, and to Ceph at once")
  func bareETag() async throws {
    let transport = ScriptedTransport(found(other), taken, found(other), stored, found(other), stored)
    _ = try await put(try client(transport) { $0.overwrite = .different })
    _ = try await put(
      try client(transport) {
        $0.overwrite = .different
        $0.server = .ceph
      })
    #expect(
      methods(transport) == ["HEAD", "PUT \"\(other)\"", "HEAD", "PUT \(other)", "HEAD", "PUT \(other)"])
  }

  @Test("A writer who is always quicker makes it a failure that may pass")
  func neverEnding() async throws {
    let transport = ScriptedTransport(found(other), taken, found("b"), taken, found("c"), taken, found("d"))
    let failure = await failure(try client(transport) { $0.overwrite = .different })
    #expect(failure?.kind == .transient(retryAfter: nil))
    #expect(
      failure?.message
        == "cannot upload s3://b/k: another writer changed the object each time it was about to be replaced")
    #expect(transport.requests.count == 7)
  }

  @Test("An equal object that is seen after a PUT of ours may be that PUT's, and counts as sent")
  func seenLate() async throws {
    let transport = ScriptedTransport(found(other), taken, found(md5))
    let receipt = try await put(try client(transport) { $0.overwrite = .different })
    #expect(receipt.isSent)
    #expect(methods(transport) == ["HEAD", "PUT \"\(other)\"", "HEAD"])
  }

  @Test("With never the first request is the PUT, with a token in the metadata")
  func never() async throws {
    let transport = ScriptedTransport(stored)
    _ = try await put(try client(transport) { $0.overwrite = .never }, token: "t0")
    #expect(methods(transport) == ["PUT none *"])
    #expect(transport.requests[0].value("x-amz-meta-slipway-token") == "t0")
  }

  @Test("With always nobody looks")
  func always() async throws {
    let transport = ScriptedTransport(stored)
    _ = try await put(try client(transport))
    #expect(methods(transport) == ["PUT"])
    #expect(transport.requests[0].value("x-amz-meta-slipway-token") == nil)
  }

  @Test("Where nothing can be compared, our token and the size say that it is ours, and another's do not")
  func token() async throws {
    let never: (inout S3Destination) -> Void = {
      $0.overwrite = .never
      $0.encryption = .init(kind: .kms)
    }
    let ours = ScriptedTransport(taken, found(other, "x-amz-meta-slipway-token: t0"))
    let receipt = try await put(try client(ours, never), token: "t0")
    #expect(receipt == PutReceipt(size: 3, etag: other, checksum: nil))
    let theirs = ScriptedTransport(taken, found(other, "x-amz-meta-slipway-token: t1"))
    let failure = await failure(try client(theirs, never), token: "t0")
    #expect(failure?.kind == .permanent)
    #expect(methods(theirs) == ["PUT none *", "HEAD"])
  }

  @Test(
    "A refused PUT names the settings that asked for more than a plain one",
    arguments: [
      (501, "NotImplemented", "acl, tags, checksum: crc32c or overwrite: never"),
      (400, "InvalidArgument", "acl, tags, checksum: crc32c or overwrite: never"),
    ])
  func refused(status: Int, code: String, options: String) async throws {
    let transport = ScriptedTransport(.answer(status, [], "<Error><Code>\(code)</Code></Error>"))
    let client = try client(transport) {
      $0.acl = "private"
      $0.tags = ["a": "b"]
      $0.checksum = .crc32c
      $0.overwrite = .never
    }
    let failure = await failure(client)
    #expect(failure?.kind == .permanent)
    #expect(
      failure?.message
        == "cannot upload s3://b/k: the server answered \(status) \(code); the server may not know what the "
        + "destination asks for: \(options)")
  }

  @Test("A plain PUT that is refused has no settings to name, and another error keeps its own words")
  func refusedPlain() async throws {
    let transport = ScriptedTransport(
      .answer(501), .answer(403, [], "<Error><Code>AccessDenied</Code></Error>"))
    #expect(
      await failure(try client(transport))?.remedy
        == "the server does not know this feature; leave it out at the destination")
    let denied = await failure(try client(transport) { $0.acl = "private" })
    #expect(denied?.remedy == "allow these credentials s3:PutObject and s3:GetObject on the bucket")
  }
}

extension ScriptedTransport {
  fileprivate static var answer404: Result<HTTPResponse, HTTPTransportError> {
    .answer(404, [], "<Error><Code>NoSuchKey</Code></Error>")
  }
}

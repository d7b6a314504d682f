import Glibc
import HTTPTransport
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import S3Client

@Suite("Reading objects") struct ReadingTests {
  private let digits = Array("123456789".utf8)
  /// CRC-32C of `123456789`, as RFC 3720 and every catalogue of CRCs have it, in base64.
  private let crc32c = "4waSgw=="

  @Test("A head tells what the server knows of the object")
  func head() async throws {
    let transport = ScriptedTransport(
      .answer(
        200,
        [
          "Content-Length: 12", "ETag: \"e\"", "Last-Modified: Fri, 24 May 2013 00:00:01 GMT", "Content-Type: text/x",
          "X-Amz-Meta-Color: blue", "x-amz-meta-b: ", "x-amz-checksum-crc32c: \(crc32c)",
          "x-amz-storage-class: GLACIER",
        ]))
    let head = try await client(transport).headObject(ObjectKey("k"))
    #expect(
      head
        == ObjectHead(
          size: 12, etag: "e", modified: Timestamp(seconds: 1_369_353_601), contentType: "text/x",
          metadata: ["color": "blue", "b": ""],
          checksum: Checksum(algorithm: .crc32c, value: [0xE3, 0x06, 0x92, 0x83]), storageClass: "GLACIER"))
    #expect(transport.requests[0].value("x-amz-checksum-mode") == "ENABLED")
  }

  @Test("A head without a size is an error, not an empty object")
  func headless() async throws {
    let client = try client(ScriptedTransport(.answer(200, ["ETag: \"e\""])))
    let error = await #expect(throws: S3Error.self) { try await client.headObject(ObjectKey("k")) }
    #expect(error?.code == "InvalidAnswer")
  }

  @Test(
    "A checksum of checksums, or one that cannot be read, is none of the content",
    arguments: [
      ["x-amz-checksum-crc32c: 4waSgw==", "x-amz-checksum-type: COMPOSITE"], ["x-amz-checksum-sha256: AAAA-3"],
      ["x-amz-checksum-crc64nvme: ?"], ["x-amz-checksum-crc32: AAAAAA=="],
    ])
  func composite(fields: [String]) async throws {
    let client = try client(ScriptedTransport(.answer(200, ["Content-Length: 1"] + fields)))
    #expect(try await client.headObject(ObjectKey("k"))?.checksum == nil)
  }

  @Test("Content with the checksum that the answer tells is given, other content is an error")
  func checksums() async throws {
    let md5 = "25f9e794323b453885f5181f1b624d0b"
    for (fields, isRight) in [
      (["x-amz-checksum-crc32c: \(crc32c)"], true), (["x-amz-checksum-crc32c: AAAAAA=="], false),
      (["ETag: \"\(md5)\""], true), (["ETag: \"900150983cd24fb0d6963f7d28e17f72\""], false),
      (["ETag: \"900150983cd24fb0d6963f7d28e17f72-3\""], true), ([], true),
    ] {
      let client = try client(ScriptedTransport(.answer(200, fields, "123456789")))
      do throws(S3Error) {
        #expect(try await client.getObject(ObjectKey("k")) == digits)
        #expect(isRight)
      } catch {
        #expect(!isRight)
        #expect(error.code == "ReceivedOtherBytes")
        #expect(error.kind == .transient(retryAfter: nil))
      }
    }
    let other = try client(ScriptedTransport(.answer(200, ["ETag: \"900150983cd24fb0d6963f7d28e17f72\""], "1"))) {
      $0.verifyETag = false
    }
    #expect(try await other.getObject(ObjectKey("k")) == [0x31])
  }

  @Test("An answer that is shorter than it says, or a part where the whole was asked for, is an error")
  func lengths() async throws {
    for answer in [Result.answer(200, ["Content-Length: 10"], "123456789"), .answer(206, [], "123456789")] {
      let client = try client(ScriptedTransport(answer))
      let error = await #expect(throws: S3Error.self) { try await client.getObject(ObjectKey("k")) }
      #expect(error?.code == "InvalidAnswer")
    }
  }

  @Test("A large object comes in pieces in order, a range is cut out of it")
  func pieces() async throws {
    let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    try await ScriptedS3Server.with { server in
      server.place("k", content: content)
      server.place("empty", content: [])
      let client = try client(of: server)
      #expect(
        try await read(client, "k", nil)
          == [content[..<300], content[300..<600], content[600..<900], content[900...]].map { Array($0) })
      #expect(server.requests.map(\.method) == ["HEAD", "GET", "GET", "GET", "GET"])
      #expect(server.requests.dropFirst().allSatisfy { $0.header("if-match") != nil })
      #expect(try await read(client, "k", 10..<20) == [Array(content[10..<20])])
      #expect(try await read(client, "k", 990..<5000) == [Array(content[990...])])
      #expect(try await read(client, "empty", nil) == [])
      for range: Range<Int64> in [1000..<1001, -1..<5] {
        let error = await #expect(throws: S3Error.self) { try await read(client, "k", range) }
        #expect(error?.code == "InvalidRange")
      }
      let missing = await #expect(throws: S3Error.self) { try await read(client, "absent", nil) }
      #expect(missing?.code == "NoSuchKey")
    }
  }

  private func read(_ client: S3Client, _ key: String, _ range: Range<Int64>?) async throws(S3Error) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    _ = try await client.readObject(ObjectKey(key), range: range, pieceSize: 300) { pieces.append($0) }
    return pieces
  }

  @Test("Pieces of two objects are never mixed", arguments: [true, false])
  func changed(isDeleted: Bool) async throws {
    try await ScriptedS3Server.with { server in
      server.place("k", content: [UInt8](repeating: 1, count: 1000))
      let client = try client(of: server)
      let taken = Mutex(0)
      let error = await #expect(throws: S3Error.self) {
        try await client.readObject(ObjectKey("k"), pieceSize: 600) { bytes in
          taken.withLock { $0 += bytes.count }
          if isDeleted { server.remove("k") } else { server.place("k", content: [UInt8](repeating: 2, count: 1000)) }
        }
      }
      #expect(error?.code == Failure.sourceChanged)
      #expect(error?.kind == .transient(retryAfter: nil))
      #expect(taken.withLock { $0 } == 600)
    }
  }

  @Test("A server that leaves If-Match out of account is found out by its ETag")
  func unconditional() async throws {
    let transport = ScriptedTransport(
      .answer(200, ["Content-Length: 4", "ETag: \"one\""]),
      .answer(206, ["ETag: \"one\"", "Content-Range: bytes 0-1/4"], "ab"),
      .answer(206, ["ETag: \"two\"", "Content-Range: bytes 2-3/4"], "cd"))
    let client = try client(transport)
    let error = await #expect(throws: S3Error.self) {
      try await client.readObject(ObjectKey("k"), pieceSize: 2) { _ in }
    }
    #expect(error?.code == Failure.sourceChanged)
  }

  @Test(
    "Another range than was asked for is an error",
    arguments: [
      (206, "Content-Range: bytes 1-2/4", "ab"), (206, "Content-Range: bytes 0-1/5", "ab"), (206, "X: y", "ab"),
      (206, "Content-Range: bytes 0-1/4", "a"), (200, "X: y", "ab"),
    ])
  func otherRange(status: Int, field: String, body: String) async throws {
    let transport = ScriptedTransport(
      .answer(200, ["Content-Length: 4", "ETag: \"e\""]), .answer(status, ["ETag: \"e\"", field], body))
    let client = try client(transport)
    let error = await #expect(throws: S3Error.self) {
      try await client.readObject(ObjectKey("k"), pieceSize: 2) { _ in }
    }
    #expect(error?.code == "InvalidAnswer")
  }

  @Test("The whole of the pieces has the checksum that the head told, or it is an error")
  func wholeChecksum() async throws {
    for (checksum, isRight) in [(crc32c, true), ("AAAAAA==", false)] {
      let transport = ScriptedTransport(
        .answer(200, ["Content-Length: 9", "ETag: \"e\"", "x-amz-checksum-crc32c: \(checksum)"]),
        .answer(206, ["ETag: \"e\"", "Content-Range: bytes 0-4/9"], "12345"),
        .answer(206, ["ETag: \"e\"", "Content-Range: bytes 5-8/9"], "6789"))
      let client = try client(transport)
      let result = await Task { try await client.readObject(ObjectKey("k"), pieceSize: 5) { _ in } }.result
      if isRight { #expect(try result.get().size == 9) }
      if !isRight { #expect(throws: S3Error.self) { try result.get() } }
    }
  }

  @Test("With an ETag only that object is read, and what the caller throws ends it")
  func conditions() async throws {
    try await ScriptedS3Server.with { server in
      server.place("k", content: digits)
      let client = try client(of: server)
      let error = await #expect(throws: S3Error.self) {
        try await client.readObject(ObjectKey("k"), ifMatch: "another") { _ in }
      }
      #expect(error?.code == "PreconditionFailed")
      #expect(error?.kind == .permanent)
      let full = Failure(.blocked, "write", "disk", cause: "it is full")
      let stopped = await #expect(throws: S3Error.self) {
        try await client.readObject(ObjectKey("k"), ifMatch: "25f9e794323b453885f5181f1b624d0b") { _ throws(Failure) in
          throw full
        }
      }
      #expect(stopped?.failure == full)
    }
  }

  @Test("A file that cannot take the content is told, and one that was longer is cut")
  func files() async throws {
    let directory = try TemporaryDirectory()
    try await ScriptedS3Server.with { server in
      server.place("k", content: digits)
      let client = try client(of: server)
      let path = try directory.write([UInt8](repeating: 0, count: 100), to: BytePath("file"))
      let writable = path.withCString { open($0, O_WRONLY | O_CLOEXEC) }
      let readable = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
      defer { [writable, readable].forEach { _ = close($0) } }
      #expect(try await client.readObject(ObjectKey("k"), intoFile: writable).size == 9)
      #expect(try directory.read("file") == digits)
      let error = await #expect(throws: S3Error.self) {
        try await client.readObject(ObjectKey("k"), intoFile: readable)
      }
      #expect(error?.code == "FileUnwritable")
    }
  }
}

import Checksums
import Glibc
import HTTPTransport
import ObjectStores
import S3Client
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@Suite struct S3ObjectStoreTests {
  private let server = KeepingServer()

  private func store(_ change: (inout S3Destination) -> Void = { _ in }) throws -> S3ObjectStore {
    var settings = S3Destination(bucket: "b")
    settings.endpoint = "http://127.0.0.1:7480"
    settings.credentials = .init(accessKeyID: "A", secretAccessKey: Secret("s"), sessionToken: nil)
    change(&settings)
    return S3ObjectStore(
      try S3Client(settings, environment: [:], transport: server, now: { Timestamp(seconds: 1_369_353_600) }))
  }

  @Test(
    "Files of every size arrive whole, with the digests of their content",
    arguments: [0, 1, 4096, 65_535, 65_536, 262_144, 262_145, 1_000_003])
  func sizes(count: Int) async throws {
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 17 >> 2) }
    let meter = TransferMeter()
    let receipt = try await store().put(TemporaryFile(content), at: ObjectKey("k"), progress: meter)
    let stored = try #require(server.stored)
    let md5 = try MessageDigest.of(content, by: .md5)
    #expect(stored.content == content)
    #expect(stored.fields.contains("content-md5: \(String(decoding: md5.base64Text, as: UTF8.self))"))
    let sha256 = try MessageDigest.of(content, by: .sha256).hexadecimalText
    #expect(stored.fields.contains("x-amz-content-sha256: \(String(decoding: sha256, as: UTF8.self))"))
    #expect(receipt.size == Int64(count))
    #expect(receipt.checksum == Checksum(algorithm: .md5, value: md5))
  }

  @Test("A file below the limit is sent from memory, a larger one from the file")
  func bodies() async throws {
    let store = try store()
    _ = try await store.put(
      TemporaryFile([UInt8](repeating: 1, count: 65_535)), at: ObjectKey("k"), progress: TransferMeter())
    #expect(server.stored?.isFromFile == false)
    _ = try await store.put(
      TemporaryFile([UInt8](repeating: 1, count: 65_536)), at: ObjectKey("k"), progress: TransferMeter())
    #expect(server.stored?.isFromFile == true)
  }

  @Test("A buffer's former content is never sent", arguments: [10, 100])
  func buffers(count: Int) async throws {
    let store = try store()
    for size in [5_000, count, 0, count] {
      let content = [UInt8](repeating: UInt8(size & 0xFF), count: size)
      _ = try await store.put(TemporaryFile(content), at: ObjectKey("k"), progress: TransferMeter())
      #expect(server.stored?.content == content)
    }
  }

  @Test(
    "A file that does not have its planned size any more is not sent",
    arguments: [
      (4096, 4095), (4096, 4097), (4096, 0), (0, 1), (65_535, 65_536), (300_000, 299_999), (300_000, 300_001),
    ])
  func changed(planned: Int, now: Int) async throws {
    let file = TemporaryFile([UInt8](repeating: 1, count: planned))
    file.resize(to: now)
    let store = try store()
    await #expect(
      throws: Failure(
        .transient(retryAfter: nil), "upload", "s3://b/k", code: "SourceChanged",
        cause: "the file changed while it was read")
    ) { try await store.put(file, at: ObjectKey("k"), progress: TransferMeter()) }
    #expect(server.stored == nil)
  }

  @Test("A file that cannot be read is told by name, and nothing is sent")
  func unreadable() async throws {
    let file = TemporaryFile([1, 2, 3], isWriteOnly: true)
    let store = try store()
    let failure = await #expect(throws: Failure.self) {
      try await store.put(file, at: ObjectKey("k\n"), progress: TransferMeter())
    }
    #expect(
      failure?.message == "cannot upload s3://b/k\\n: the file could not be read (Bad file descriptor)")
    #expect(server.stored == nil)
  }

  @Test("Many puts at once do not share a buffer")
  func parallel() async throws {
    let store = try store()
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<200 {
        group.addTask {
          let content = [UInt8](repeating: UInt8(index), count: 100 + index)
          await #expect(throws: Never.self) {
            try await store.put(TemporaryFile(content), at: ObjectKey("k\(index)"), progress: TransferMeter())
          }
        }
      }
    }
    #expect(server.count == 200)
  }

  @Test("An object's address is its URL, encoded")
  func url() throws {
    #expect(try store().url(of: ObjectKey("a b/é")) == "http://127.0.0.1:7480/b/a%20b/%C3%A9")
  }
}

/// Keeps the last object, and answers with the MD5 of what it got.
private final class KeepingServer: HTTPSender {
  struct Stored: Sendable {
    let content: [UInt8]
    let fields: [String]
    let isFromFile: Bool
  }

  private let state = Mutex<(last: Stored?, count: Int)>((nil, 0))
  var stored: Stored? { state.withLock { $0.last } }
  var count: Int { state.withLock { $0.count } }

  func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    // Others run meanwhile: a buffer that is shared would show.
    await Task.yield()
    let (content, isFromFile) = content(of: request.body)
    let fields = request.fields.lines.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    state.withLock { $0 = (Stored(content: content, fields: fields, isFromFile: isFromFile), $0.count + 1) }
    let md5 = (try? MessageDigest.of(content, by: .md5)) ?? []
    let answer = "HTTP/1.1 200 OK\r\nETag: \"\(String(decoding: md5.hexadecimalText, as: UTF8.self))\"\r\n\r\n"
    return HTTPResponse(status: 200, fields: HTTPResponseFields(Array(answer.utf8)), body: [])
  }

  private func content(of body: HTTPBody) -> ([UInt8], Bool) {
    switch body {
    case .none: return ([], false)
    case .bytes(let buffer): return (Array(buffer.content), false)
    case .file(let part):
      var content = [UInt8](repeating: 0, count: Int(part.count))
      let got = pread(part.file.descriptor, &content, content.count, off_t(part.offset))
      return (Array(content.prefix(max(0, got))), true)
    }
  }
}

private final class TemporaryFile: OpenFile {
  let descriptor: Int32
  let fingerprint: Fingerprint

  init(_ content: [UInt8], isWriteOnly: Bool = false) {
    var name = Array("/tmp/slipway-test-XXXXXX".utf8CString)
    let made = mkstemp(&name)
    _ = write(made, content, content.count)
    descriptor = open(name, isWriteOnly ? O_WRONLY : O_RDWR)
    close(made)
    unlink(name)
    fingerprint = Fingerprint(device: 0, inode: 0, size: Int64(content.count), modified: 0, changed: 0)
  }

  deinit {
    close(descriptor)
  }

  func currentFingerprint() throws(Failure) -> Fingerprint {
    Fingerprint(device: 0, inode: 0, size: Int64(lseek(descriptor, 0, SEEK_END)), modified: 0, changed: 0)
  }

  func resize(to size: Int) { ftruncate(descriptor, off_t(size)) }
}

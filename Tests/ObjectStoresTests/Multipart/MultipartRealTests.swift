import Foundation
import HTTPTransport
import ObjectStores
import S3Client
import SlipwayModel
import TestSupport
import Testing

@Suite(
  "A file that is sent in parts to a real server",
  .enabled(if: S3Reader.realServer != nil, "SLIPWAY_TEST_S3 does not name an S3 server"))
struct MultipartRealTests {
  /// What S3 takes for a part that is not the last.
  private static let partSize = 5 << 20

  /// No two thousand bytes of it are the same.
  private static func content(_ size: Int) -> [UInt8] {
    var content = [UInt8](repeating: 0, count: size)
    for (number, start) in stride(from: 0, to: size - 3, by: 1000).enumerated() {
      for byte in 0..<3 { content[start + byte] = UInt8(truncatingIfNeeded: number >> (8 * byte)) }
    }
    return content
  }

  private func withStore(
    _ change: (inout S3Destination) -> Void = { _ in },
    _ body: (S3ObjectStore, S3Client, S3Reader, String) async throws -> Void
  ) async throws {
    let reader = try #require(S3Reader.realServer)
    let bucket = "multipart-" + UUID().uuidString.lowercased()
    try await reader.makeBucket(bucket)
    try await reader.openToAll(bucket)
    var settings = S3Destination(bucket: bucket)
    settings.endpoint = reader.endpoint
    settings.credentials = .init(
      accessKeyID: reader.accessKeyID, secretAccessKey: Secret(reader.secretAccessKey), sessionToken: nil)
    settings.multipartThreshold = Int64(Self.partSize)
    settings.partSize = Int64(Self.partSize)
    change(&settings)
    let transport = try HTTPTransport()
    defer { transport.shutdown() }
    let client = try S3Client(settings, environment: [:], transport: transport, now: { Timestamp.wallClock() })
    try await body(S3ObjectStore(client), client, reader, bucket)
  }

  private func openUploads(_ client: S3Client) async throws -> [ListedUpload] {
    var found: [ListedUpload] = []
    try await client.listMultipartUploads(prefix: []) { page in
      found += page
      return true
    }
    return found
  }

  @Test(
    "reads back whole, with the ETag that S3 gives",
    arguments: [(5 << 20, 1), (5 << 20 + 1, 2), (2 * 5 << 20, 2), (13_000_001, 3)])
  func sizes(size: Int, parts: Int) async throws {
    try await withStore { store, client, reader, bucket in
      let directory = try TemporaryDirectory()
      let content = Self.content(size)
      let path = try directory.write(content, to: BytePath("file"))
      let key = ObjectKey("a dir/é+file")
      let receipt = try await store.put(DescriptorFile(path), at: key, PutContext.sample())
      #expect(receipt.etag.hasSuffix("-\(parts)"))
      let found = try await reader.getOpenly(bucket, key.bytes)
      #expect(found == content)
      let open = try await openUploads(client)
      #expect(open.isEmpty)
    }
  }

  @Test("goes on after an interruption with the parts that the server confirms, and is listed until it is over")
  func resumption() async throws {
    try await withStore { store, client, reader, bucket in
      let directory = try TemporaryDirectory()
      let content = Self.content(11 << 20)
      let file = try DescriptorFile(directory.write(content, to: BytePath("file")))
      let context = try await PutContext.sample()
      let key = ObjectKey("k")
      var upload = MultipartUpload(
        run: context.run, destination: context.destination, path: context.path, key: key,
        fingerprint: file.fingerprint, token: "a-token", partSize: Int64(Self.partSize), begun: Timestamp.wallClock())
      upload.id = try await client.createMultipartUpload(key, token: upload.token, attributes: ObjectAttributes()) {}
      try await context.journal.begin(upload)
      var hasher = try ContentHasher(client.proof)
      content[..<Self.partSize].withUnsafeBytes { hasher.update($0) }
      let part = try await client.uploadPart(
        1, of: upload, .bytes(Array(content[..<Self.partSize])), digests: try hasher.finalize(), progress: nil)
      try await context.journal.prove(part, of: upload)
      let listed = try await openUploads(client)
      #expect(listed.map(\.key) == [key])
      #expect(listed.map(\.id) == [upload.id])
      let held = try await client.listParts(key, #require(upload.id))
      #expect(held == [ListedPart(number: 1, etag: part.etag, size: Int64(Self.partSize))])

      let meter = context.progress
      _ = try await store.put(file, at: key, context)
      #expect(meter.snapshot.bytes == Int64(content.count - Self.partSize))
      let found = try await reader.getOpenly(bucket, key.bytes)
      #expect(found == content)
      let open = try await openUploads(client)
      #expect(open.isEmpty)
    }
  }

  @Test("is left alone, or found equal, as overwrite says")
  func overwrite() async throws {
    try await withStore({ $0.overwrite = .different }) { store, client, _, _ in
      let directory = try TemporaryDirectory()
      let content = [UInt8](repeating: 7, count: 6 << 20)
      let path = try directory.write(content, to: BytePath("file"))
      let key = ObjectKey("k")
      let first = try await store.put(DescriptorFile(path), at: key, PutContext.sample())
      let again = try await PutContext.sample(run: 2)
      let second = try await store.put(DescriptorFile(path), at: key, again)
      #expect(second.etag == first.etag && second.checksum == first.checksum)
      #expect(first.isSent && !second.isSent)
      #expect(again.progress.snapshot.bytes == 0)
      try directory.write([UInt8](repeating: 8, count: 6 << 20), to: BytePath("file"))
      let third = try await store.put(DescriptorFile(path), at: key, PutContext.sample())
      #expect(third.etag != first.etag)
      let found = try await client.headObject(key)?.etag
      #expect(found == third.etag)
    }
  }

  @Test("is not put in place of another object where overwrite is never")
  func never() async throws {
    try await withStore({ $0.overwrite = .never }) { store, client, _, _ in
      let directory = try TemporaryDirectory()
      let path = try directory.write([UInt8](repeating: 7, count: 6 << 20), to: BytePath("file"))
      _ = try await client.putObject(ObjectKey("k"), [1, 2, 3])
      let failure = await #expect(throws: Failure.self) {
        try await store.put(DescriptorFile(path), at: ObjectKey("k"), PutContext.sample())
      }
      #expect(failure?.kind == .permanent)
      let found = try await client.getObject(ObjectKey("k"))
      #expect(found == [1, 2, 3])
      _ = try await store.put(DescriptorFile(path), at: ObjectKey("free"), PutContext.sample())
      let open = try await openUploads(client)
      #expect(open.isEmpty)
    }
  }

  @Test("has its tags, also at a server that forgets them on the way")
  func tags() async throws {
    try await withStore({ settings in
      settings.server = .ceph
      settings.tags = ["team": "a b&c"]
    }) { store, client, reader, bucket in
      let directory = try TemporaryDirectory()
      let path = try directory.write([UInt8](repeating: 7, count: 6 << 20), to: BytePath("file"))
      let attributes = ObjectAttributes(tags: ["build": "17"])
      _ = try await store.put(
        DescriptorFile(path), at: ObjectKey("k"), PutContext.sample(attributes: attributes))
      let tags = try await reader.tags(bucket, Array("k".utf8))
      #expect(tags == ["team": "a b&c", "build": "17"])
    }
  }
}

import Foundation
import HTTPTransport
import ObjectStores
import SlipwayModel
import TestSupport
import Testing

@Suite(
  "The options of an S3 destination, on a real server",
  .enabled(if: S3Reader.realServer != nil, "there is no server"))
struct S3OptionTests {
  private let bucket = "options-" + UUID().uuidString.lowercased()
  private let directory: TemporaryDirectory
  private let key = ObjectKey("site/a.html")
  private let content = Array("<p>what is sent</p>".utf8)

  init() throws {
    directory = try TemporaryDirectory()
  }

  /// Finds text.
  private struct Substrings: PatternCompiler {
    private struct Substring: Pattern {
      let text: String

      func matches(_ name: [UInt8]) throws(Failure) -> Bool { String(decoding: name, as: UTF8.self).contains(text) }
    }

    func compile(_ pattern: String) throws(PatternProblem) -> any Pattern { Substring(text: pattern) }
  }

  /// With a store of the real server, an empty bucket, and what reads back.
  private func with(
    _ change: (inout S3Destination) -> Void, _ body: (S3ObjectStore, S3Reader) async throws -> Void
  ) async throws {
    let reader = try #require(S3Reader.realServer)
    try await reader.makeBucket(bucket)
    var settings = S3Destination(bucket: bucket)
    settings.endpoint = reader.endpoint
    settings.server = .ceph
    settings.credentials = .init(
      accessKeyID: reader.accessKeyID, secretAccessKey: Secret(reader.secretAccessKey), sessionToken: nil)
    change(&settings)
    let transport = try HTTPTransport()
    defer { transport.shutdown() }
    try await body(
      S3ObjectStore(settings, environment: [:], transport: transport, patterns: Substrings()), reader)
  }

  private func put(_ store: S3ObjectStore, _ content: [UInt8]) async throws -> PutReceipt {
    let file = try DescriptorFile(try directory.write(content, to: BytePath("file")))
    return try await store.put(file, at: key, try await .sample())
  }

  @Test("Headers, ACL, storage class, tags and metadata arrive as they stand in the file")
  func properties() async throws {
    try await with({
      $0.acl = "public-read"
      $0.storageClass = "STANDARD"
      $0.tags = ["team": "ci & co", "größe": "a+b/c=d"]
      $0.metadata = ["origin": "build no. 7"]
      $0.headers = [
        .init(pattern: ".css", fields: [.init(name: "cache-control", value: "never meant")]),
        .init(
          pattern: "site/",
          fields: [
            .init(name: "cache-control", value: "max-age=60"), .init(name: "content-encoding", value: "identity"),
            .init(name: "content-disposition", value: "attachment; filename=\"a b.html\""),
            .init(name: "content-language", value: "de"),
            .init(name: "expires", value: "Wed, 21 Oct 2026 07:28:00 GMT"),
          ]),
      ]
    }) { store, reader in
      _ = try await put(store, content)
      let properties = try await reader.properties(bucket, key.bytes)
      #expect(properties.tags == ["team": "ci & co", "größe": "a+b/c=d"])
      #expect(properties.metadata == ["origin": "build no. 7"])
      #expect(properties.grants == ["AllUsers READ"])
      #expect(properties.headers["content-type"] == "text/html")
      #expect(properties.headers["cache-control"] == "max-age=60")
      #expect(properties.headers["content-encoding"] == "identity")
      #expect(properties.headers["content-disposition"] == "attachment; filename=\"a b.html\"")
      #expect(properties.headers["content-language"] == "de")
      #expect(properties.headers["expires"] == "Wed, 21 Oct 2026 07:28:00 GMT")
    }
  }

  @Test(
    "With overwrite: different what is equal stays as it is, and what differs is replaced",
    arguments: [S3ServerKind.ceph, nil])
  func different(kind: S3ServerKind?) async throws {
    try await with({
      $0.overwrite = .different
      $0.server = kind
    }) { store, reader in
      try await reader.put(bucket, key.bytes, content)
      let kept = try await put(store, content)
      #expect(try await reader.get(bucket, key.bytes).metadata == ["from": "boto3"])
      #expect(kept.etag == (try await reader.get(bucket, key.bytes).etag))
      let other = Array("something else".utf8)
      _ = try await put(store, other)
      let replaced = try await reader.get(bucket, key.bytes)
      #expect(replaced.bytes == other)
      #expect(replaced.metadata == [:])
    }
  }

  @Test("With overwrite: never another's object stays, an equal one is delivered, and where none is ours is made")
  func never() async throws {
    try await with({ $0.overwrite = .never }) { store, reader in
      let receipt = try await put(store, content)
      let token = try await reader.get(bucket, key.bytes).metadata["slipway-token"]
      #expect(token?.count == 32)
      let found = try await put(store, content)
      #expect(found.etag == receipt.etag && found.checksum == receipt.checksum && receipt.isSent)
      let failure = await #expect(throws: Failure.self) { try await put(store, Array("another".utf8)) }
      #expect(failure?.kind == .permanent)
      #expect(failure?.code == "ObjectExists")
      #expect(try await reader.get(bucket, key.bytes).bytes == content)
    }
  }

  @Test("A storage class that the server does not have is an error that names the setting")
  func storageClass() async throws {
    try await with({ $0.storageClass = "NO_SUCH_CLASS" }) { store, _ in
      let failure = await #expect(throws: Failure.self) { try await put(store, content) }
      #expect(failure?.remedy.contains("storage_class") == true)
    }
  }
}

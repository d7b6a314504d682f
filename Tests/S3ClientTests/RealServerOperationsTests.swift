import Foundation
import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

/// Each operation against the real server, and what it did as another client sees it.
@Suite("On a real server", .enabled(if: S3Reader.realServer != nil, "SLIPWAY_TEST_S3 does not name an S3 server"))
struct RealServerOperationsTests {
  private let reader: S3Reader
  private let bucket = "operations-\(UUID().uuidString.lowercased())"
  private let client: S3Client

  init() async throws {
    reader = try #require(S3Reader.realServer)
    client = try Self.client(reader, bucket)
    try await client.createBucket()
  }

  private static func client(
    _ reader: S3Reader, _ bucket: String, _ change: (inout S3Destination) -> Void = { _ in }
  ) throws -> S3Client {
    var settings = S3Destination(bucket: bucket)
    settings.endpoint = reader.endpoint
    settings.region = "us-east-1"
    settings.credentials = .init(
      accessKeyID: reader.accessKeyID, secretAccessKey: Secret(reader.secretAccessKey), sessionToken: nil)
    change(&settings)
    return try S3Client(settings, environment: [:], transport: HTTPTransport(), now: { Timestamp.wallClock() })
  }

  /// A key for every byte that a file's name can have; from 0x80 on as a part of well-formed UTF-8, of which 0xC0, 0xC1
  /// and what lies behind 0xF4 never are.
  private static let everyByte: [[UInt8]] = {
    let single = (UInt8(1)...0x7F).filter { $0 != UInt8(ascii: "/") }.map {
      Array("byte-".utf8) + [$0] + Array("-x".utf8)
    }
    let double = (0x80...0x7FF).filter { $0 < 0xC0 || $0 % 64 == 5 }
    let longer = (0...15).map { $0 == 0 ? 0x800 : $0 << 12 | 0x123 }.filter { !(0xD800...0xDFFF).contains($0) }
    let longest = [0x1_0000, 0x4_0000, 0x8_0000, 0xC_0000, 0x10_0000]
    return single + (double + longer + longest).compactMap { Unicode.Scalar(UInt32($0)) }.map { Array(String($0).utf8) }
  }()

  @Test("Every byte that a name can hold arrives in a key, is listed in order, and can be deleted")
  func everyByte() async throws {
    let keys = Self.everyByte.sorted { $0.precedes($1) }
    #expect(Set(keys.joined()).count == 255 - 1 - 13)
    for key in keys { _ = try await client.putObject(ObjectKey(key), key) }
    let listed = try await reader.list(bucket)
    #expect(listed.map(\.key) == keys)
    // Each object's content is its key: what the other client lists proves both.
    for object in listed { #expect(try object.etag == md5(object.key)) }
    #expect(try await client.allKeys(pageSize: 1000) == keys)
    #expect(try await client.deleteObjects(keys.map { ObjectKey($0) }) == [])
    #expect(try await reader.keys(bucket) == [])
    #expect(try await client.allKeys(pageSize: 1000) == [])
  }

  private func md5(_ bytes: [UInt8]) throws -> String {
    var hasher = try ContentHasher(client.proof)
    bytes.withUnsafeBytes { hasher.update($0) }
    return hexadecimal(try #require(try hasher.finalize().md5))
  }

  @Test("Prefix, start and delimiter choose what is listed")
  func listing() async throws {
    for key in ["a", "d/1", "d/2/x", "d/2/y", "d/3", "e"] { _ = try await client.putObject(ObjectKey(key), [1, 2]) }
    var found: [String] = []
    for try await entry in client.listObjects(under: ObjectKey("d/"), delimiter: "/") {
      found.append(entry.key.description)
    }
    #expect(found == ["d/1", "d/2/", "d/3"])
    #expect(try await client.allKeys(pageSize: 2).count == 6)
    var behind: [ListedObject] = []
    for try await case .object(let object) in client.listObjects(after: ObjectKey("d/2/y")) { behind.append(object) }
    #expect(behind.map(\.key.description) == ["d/3", "e"])
    #expect(behind.allSatisfy { $0.size == 2 && $0.etag.utf8.count == 32 && $0.storageClass == "STANDARD" })
  }

  @Test("Heads, ranges and pieces are those of the object")
  func reading() async throws {
    let content = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    try await client.putObject("k.json", content, ObjectAttributes(metadata: ["color": "blue"]))
    var pieces: [[UInt8]] = []
    let head = try await client.readObject(ObjectKey("k.json"), pieceSize: 300_000) { pieces.append($0) }
    #expect(pieces.map(\.count) == [300_000, 300_000, 100_000])
    #expect(Array(pieces.joined()) == content)
    #expect(head.size == 700_000)
    #expect(head.contentType == "application/json")
    #expect(head.metadata == ["color": "blue"])
    #expect(head.modified != nil)
    var range: [UInt8] = []
    _ = try await client.readObject(ObjectKey("k.json"), range: 5..<9, ifMatch: head.etag) { range += $0 }
    #expect(range == Array(content[5..<9]))
    let error = await #expect(throws: S3Error.self) {
      try await client.readObject(ObjectKey("k.json"), pieceSize: 300_000) { _ throws(Failure) in
        do throws(S3Error) {
          _ = try await client.putObject(ObjectKey("k.json"), [1])
        } catch {
          throw error.failure
        }
      }
    }
    #expect(error?.code == Failure.sourceChanged)
  }

  @Test("A bucket is there or not, and tags are read back")
  func bucketsAndTags() async throws {
    #expect(try await client.headBucket() != nil)
    #expect(try await Self.client(reader, "absent-\(bucket)").headBucket() == nil)
    try await client.createBucket()
    _ = try await client.putObject(ObjectKey("k"), [1])
    #expect(try await client.objectTags(ObjectKey("k")) == [:])
    for tags in [["a": "b c", "d": "e+f"], [:]] {
      try await client.setObjectTags(ObjectKey("k"), tags)
      #expect(try await client.objectTags(ObjectKey("k")) == tags)
    }
  }

  @Test("A copy is the same object, whole or in parts", arguments: [false, true])
  func copying(inParts: Bool) async throws {
    let content = (0..<(11 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 12) }
    let attributes = ObjectAttributes(tags: ["team": "a b"], metadata: ["color": "blue"])
    // This server decodes the source of a part twice, so that it finds none with a percent sign.
    let source = ObjectKey(inParts ? "dir/source é.json" : "dir/source +%é.json")
    try await client.putObject(String(decoding: source.bytes, as: UTF8.self), content, attributes)
    let limits = CopyLimits(single: inParts ? 6 << 20 : 5 << 30, part: 5 << 20)
    let receipt = try await client.copyObject(source, to: ObjectKey("copy"), limits: limits)
    #expect(receipt.etag.hasSuffix("-3") == inParts)
    #expect(receipt.size == 11 << 20)
    #expect(try await reader.list(bucket, prefix: "copy").map(\.etag) == [receipt.etag])
    #expect(try await client.getObject(ObjectKey("copy"), limit: content.count) == content)
    let head = try #require(try await client.headObject(ObjectKey("copy")))
    #expect(head.contentType == "application/json")
    #expect(head.metadata["color"] == "blue")
    // What is made of parts has no tags on this server.
    if !inParts { #expect(try await client.objectTags(ObjectKey("copy")) == ["team": "a b"]) }
    #expect(try await reader.unfinishedUploads(bucket) == [])
  }

  @Test("A copy has the ACL and the storage class of the destination, whole or in parts", arguments: [false, true])
  func copiedAsAsked(inParts: Bool) async throws {
    try await client.putObject("source", [UInt8](repeating: 1, count: 6 << 20), ObjectAttributes())
    let limits = CopyLimits(single: inParts ? 1 << 20 : 5 << 30, part: 5 << 20)
    let asking = try Self.client(reader, bucket) {
      $0.acl = "public-read"
      $0.storageClass = "STANDARD"
    }
    _ = try await asking.copyObject(ObjectKey("source"), to: ObjectKey("copy"), limits: limits)
    #expect(try await reader.properties(bucket, Array("source".utf8)).grants == [])
    #expect(try await reader.properties(bucket, Array("copy".utf8)).grants == ["AllUsers READ"])
    let refusing = try Self.client(reader, bucket) { $0.storageClass = "NO_SUCH_CLASS" }
    let error = await #expect(throws: S3Error.self) {
      try await refusing.copyObject(ObjectKey("source"), to: ObjectKey("other"), limits: limits)
    }
    #expect(error?.failure.remedy == "the server may not know what the destination asks for: storage_class")
    #expect(try await reader.unfinishedUploads(bucket) == [])
  }

  @Test("A copy in parts that cannot go on leaves no upload behind")
  func abortedCopy() async throws {
    try await client.putObject("source", [UInt8](repeating: 1, count: 6 << 20), ObjectAttributes())
    // Parts below 5 MiB are refused when they are put together (Amazon S3 User Guide, limits of uploads).
    let limits = CopyLimits(single: 1 << 20, part: 1 << 20)
    let error = await #expect(throws: S3Error.self) {
      try await client.copyObject(ObjectKey("source"), to: ObjectKey("copy"), limits: limits)
    }
    #expect(error?.code == "EntityTooSmall")
    #expect(try await reader.unfinishedUploads(bucket) == [])
    #expect(try await client.headObject(ObjectKey("copy")) == nil)
  }
}

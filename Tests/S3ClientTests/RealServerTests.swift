import Foundation
import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

/// Against the S3 server that SLIPWAY_TEST_S3 names, with the keys of `AKIAEXAMPLE`.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["SLIPWAY_TEST_S3"] != nil, "SLIPWAY_TEST_S3 does not name an S3 server"))
struct RealServerTests {
  private let transport: HTTPTransport
  private let settings: S3Destination

  init() async throws {
    transport = try HTTPTransport()
    var settings = S3Destination(bucket: "slipway-\(UUID().uuidString.lowercased())")
    settings.endpoint = ProcessInfo.processInfo.environment["SLIPWAY_TEST_S3"]
    settings.credentials = .init(accessKeyID: "AKIAEXAMPLE", secretAccessKey: Secret("secret"), sessionToken: nil)
    self.settings = settings
    var request = S3Request(.put, nil, operation: "create")
    request.fields.append("x-amz-acl", "private")
    _ = try await client().sender.send(request)
  }

  private func client(_ change: (inout S3Destination) -> Void = { _ in }) throws -> S3Client {
    var settings = settings
    change(&settings)
    return try S3Client(settings, environment: [:], transport: transport, now: { Timestamp.wallClock() })
  }

  @Test(
    "Odd keys read back byte for byte",
    arguments: [
      "plain", "a b", "a+b", "a%20b", "a?b#c", "a&b=c", "*'()!~", "\"quoted\"", "tab\tnew\nline", "bell\u{7}",
      "nfc-\u{e9}", "nfd-e\u{301}", "😀/日本", "-leading", "$(id)", "a/b/c", "a//b", "./a", "a/../b", "@:,;[]{}|^`<>\\",
    ])
  func keys(text: String) async throws {
    let client = try client()
    let key = ObjectKey(text)
    let content = Array("content of \(text)".utf8)
    let receipt = try await client.putObject(key, content)
    #expect(receipt.checksum?.algorithm == .md5)
    #expect(try await client.getObject(key) == content)
    #expect(try await client.headObject(key)?.size == Int64(content.count))
    try await client.deleteObject(key)
    #expect(try await client.headObject(key) == nil)
  }

  @Test("NFC and NFD are two objects")
  func twins() async throws {
    let client = try client()
    _ = try await client.putObject(ObjectKey("\u{e9}"), [1])
    _ = try await client.putObject(ObjectKey("e\u{301}"), [2])
    #expect(try await client.getObject(ObjectKey("\u{e9}")) == [1])
    #expect(try await client.getObject(ObjectKey("e\u{301}")) == [2])
  }

  @Test("Every size around the limits arrives", arguments: [0, 1, 4096, 65_535, 65_536, 300_000])
  func sizes(count: Int) async throws {
    let client = try client()
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    _ = try await client.putObject(ObjectKey("k"), content)
    #expect(try await client.getObject(ObjectKey("k")) == content)
  }

  @Test("With checksum: sha256 it works as well")
  func sha256() async throws {
    let client = try client { $0.checksum = .sha256 }
    #expect(try await client.putObject(ObjectKey("k"), [1, 2, 3]).checksum?.algorithm == .sha256)
  }

  @Test("Content that is not what its MD5 says is refused by the server, as something that may pass")
  func wrongDigest() async throws {
    let client = try client()
    let digests = ContentDigests(
      md5: [UInt8](repeating: 0, count: 16), sha256: try sha256(of: [1, 2, 3]))
    let error = await #expect(throws: S3Error.self) {
      try await client.putObject(ObjectKey("k"), .bytes([1, 2, 3]), digests: digests)
    }
    #expect(error?.code == "BadDigest")
    #expect(error?.kind == .transient(retryAfter: nil))
  }

  @Test("Content that is not what was signed is refused by the server, as something that may pass")
  func wrongPayload() async throws {
    let client = try client()
    let digests = ContentDigests(md5: nil, sha256: try sha256(of: [9]))
    let error = await #expect(throws: S3Error.self) {
      try await client.putObject(ObjectKey("k"), .bytes([1, 2, 3]), digests: digests)
    }
    #expect(error?.code == "XAmzContentSHA256Mismatch")
    #expect(error?.kind == .transient(retryAfter: nil))
  }

  @Test("Wrong keys and missing buckets wait for an operator")
  func refusals() async throws {
    let wrongSecret = try client {
      $0.credentials = .init(accessKeyID: "AKIAEXAMPLE", secretAccessKey: Secret("wrong"), sessionToken: nil)
    }
    let unknownID = try client {
      $0.credentials = .init(accessKeyID: "AKIANOBODY", secretAccessKey: Secret("secret"), sessionToken: nil)
    }
    let noBucket = try client { $0.bucket = "no-such-bucket-here" }
    for (client, code) in [
      (wrongSecret, "SignatureDoesNotMatch"), (unknownID, "InvalidAccessKeyId"), (noBucket, "NoSuchBucket"),
    ] {
      let error = await #expect(throws: S3Error.self) { try await client.putObject(ObjectKey("k"), [1]) }
      #expect(error?.code == code)
      #expect(error?.kind == .blocked)
      #expect(error?.requestID.isEmpty == false)
    }
  }

  private func sha256(of bytes: [UInt8]) throws -> [UInt8]? {
    var hasher = try ContentHasher(ContentProof(settings, isEncrypted: false))
    bytes.withUnsafeBytes { hasher.update($0) }
    return try hasher.finalize().sha256
  }
}

import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

@Suite struct CyclicProofTests {
  private let digits = Array("123456789".utf8)
  private let crc64 = "rosUhgp5mIg="
  private let md5 = "25f9e794323b453885f5181f1b624d0b"

  private func failure(_ body: () async throws(S3Error) -> Void) async -> Failure? {
    do throws(S3Error) {
      try await body()
      return nil
    } catch { return error.failure }
  }

  private func awsClient(_ transport: ScriptedTransport, _ environment: [String: String] = [:]) throws -> S3Client {
    var settings = S3Destination(bucket: "bucket")
    settings.region = "eu-west-1"
    settings.credentials = .init(accessKeyID: "A", secretAccessKey: Secret("s"), sessionToken: nil)
    return try S3Client(
      settings, environment: environment, transport: transport, now: { Timestamp(seconds: 1_369_353_600) },
      retry: RequestRetry(tries: 1))
  }

  @Test(
    "A CRC is sent in base64 of its bytes, the highest first, and proven by its echo",
    arguments: [
      (S3Destination.Checksum.crc64nvme, "x-amz-checksum-crc64nvme", "rosUhgp5mIg=", "ae8b14860a799888"),
      (.crc32c, "x-amz-checksum-crc32c", "4waSgw==", "e3069283"),
    ])
  func echo(checksum: S3Destination.Checksum, field: String, value: String, hexadecimal: String) async throws {
    let transport = ScriptedTransport(.answer(200, ["ETag: \"x-1\"", "\(field): \(value)"]))
    let client = try client(transport) { $0.checksum = checksum }
    let receipt = try await client.putObject(ObjectKey("k"), digits)
    #expect(transport.requests[0].value(field) == value)
    #expect(transport.requests[0].value("content-md5") == nil)
    #expect(transport.requests[0].value("authorization")?.contains(";\(field);") == true)
    #expect(receipt.checksum?.algorithm.rawValue == checksum.rawValue)
    #expect(receipt.checksum?.hexadecimalValue == hexadecimal)
    #expect(receipt.etag == "x-1")
  }

  @Test("Another echo means other bytes, and none is no proof")
  func otherEcho() async throws {
    let transport = ScriptedTransport(
      .answer(200, ["ETag: \"x\"", "x-amz-checksum-crc32c: AAAA"]),
      .answer(200, ["ETag: \"x\"", "x-amz-checksum-crc64nvme: \(crc64)"]))
    let client = try client(transport) { $0.checksum = .crc32c }
    let other = await failure { () throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), digits) }
    #expect(other?.kind == .transient(retryAfter: nil))
    #expect(other?.message == "cannot upload s3://b/k: the server stored other bytes: their CRC-32C is AAAA")
    let missing = await failure { () throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), digits) }
    #expect(missing?.code == "MissingChecksum")
    #expect(
      missing?.message
        == "cannot upload s3://b/k: the answer has no CRC-32C to compare; if the server does not know it, set "
        + "checksum: md5")
  }

  @Test("At AWS auto is CRC-64/NVME, over a payload that nobody hashes besides")
  func aws() async throws {
    let transport = ScriptedTransport(.answer(200, ["ETag: \"kms\"", "x-amz-checksum-crc64nvme: \(crc64)"]))
    let receipt = try await awsClient(transport).putObject(ObjectKey("k"), digits)
    #expect(transport.requests[0].url.hasPrefix("https://"))
    #expect(transport.requests[0].value("x-amz-content-sha256") == "UNSIGNED-PAYLOAD")
    #expect(transport.requests[0].value("x-amz-checksum-crc64nvme") == crc64)
    #expect(transport.requests[0].value("content-md5") == nil)
    #expect(receipt.checksum?.algorithm == .crc64nvme)
  }

  @Test("An endpoint of the environment is not AWS: there auto is MD5")
  func environment() async throws {
    let transport = ScriptedTransport(.answer(200, ["ETag: \"\(md5)\""]))
    let client = try awsClient(transport, ["AWS_ENDPOINT_URL_S3": "https://s3.example"])
    let receipt = try await client.putObject(ObjectKey("k"), digits)
    #expect(transport.requests[0].value("x-amz-checksum-crc64nvme") == nil)
    #expect(transport.requests[0].value("content-md5") == "JfnnlDI7RTiF9RgfG2JNCw==")
    #expect(receipt.checksum?.algorithm == .md5)
  }

  @Test("With verify_etag: true the ETag is compared besides")
  func etagBesides() async throws {
    let transport = ScriptedTransport(.answer(200, ["ETag: \"x\"", "x-amz-checksum-crc64nvme: \(crc64)"]))
    let client = try client(transport) {
      $0.checksum = .crc64nvme
      $0.verifyETag = true
    }
    let failure = await failure { () throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), digits) }
    #expect(failure?.code == "StoredOtherBytes")
  }
}

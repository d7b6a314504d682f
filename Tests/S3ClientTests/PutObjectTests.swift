import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

@Suite struct PutObjectTests {
  /// Of `abc`.
  private let md5 = "900150983cd24fb0d6963f7d28e17f72"
  private let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
  private let sha256Base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
  private let abc = Array("abc".utf8)

  private func failure(_ body: () async throws(S3Error) -> Void) async -> Failure? {
    do throws(S3Error) {
      try await body()
      return nil
    } catch { return error.failure }
  }

  @Test("The request has length, type, MD5 and the payload's hash, and the receipt what was proven")
  func request() async throws {
    let transport = ScriptedTransport(.answer(200, ["ETag: \"\(md5)\""]))
    let receipt = try await client(transport).putObject(ObjectKey("a b/ü"), abc)
    let request = try #require(transport.requests.first)
    #expect(request.url == "http://127.0.0.1:7480/b/a%20b/%C3%BC")
    #expect(request.method == .put)
    #expect(request.value("content-md5") == "kAFQmDzST7DWlj99KOF/cg==")
    #expect(request.value("content-type") == "application/octet-stream")
    #expect(request.value("x-amz-content-sha256") == sha256)
    #expect(request.value("x-amz-date") == "20130524T000000Z")
    #expect(request.value("x-amz-security-token") == nil)
    #expect(
      request.value("authorization")?.contains(
        "SignedHeaders=content-md5;content-type;host;x-amz-content-sha256;x-amz-date,") == true)
    #expect(receipt.size == 3)
    #expect(receipt.etag == md5)
    #expect(receipt.checksum?.algorithm == .md5)
    #expect(receipt.checksum?.hexadecimalValue == md5)
  }

  @Test("With checksum: sha256 the echo is compared")
  func sha256Echo() async throws {
    let transport = ScriptedTransport(
      .answer(200, ["ETag: \"x\"", "x-amz-checksum-sha256: \(sha256Base64)"]),
      .answer(200, ["ETag: \"x\"", "x-amz-checksum-sha256: AAAA"]))
    let client = try client(transport) { $0.checksum = .sha256 }
    let receipt = try await client.putObject(ObjectKey("k"), abc)
    #expect(receipt.checksum?.hexadecimalValue == sha256)
    #expect(transport.requests[0].value("x-amz-checksum-sha256") == sha256Base64)
    #expect(transport.requests[0].value("content-md5") == nil)
    let failure = await failure { () throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), abc) }
    #expect(failure?.code == "StoredOtherBytes")
    #expect(failure?.kind == .transient(retryAfter: nil))
    #expect(failure?.message == "cannot upload s3://b/k: the server stored other bytes: their SHA-256 is AAAA")
  }

  @Test("With checksum: none over https nothing is hashed and nothing is proven")
  func noChecksum() async throws {
    let transport = ScriptedTransport(.answer(200, ["ETag: \"x\""]))
    let client = try client(transport) {
      $0.checksum = .none
      $0.endpoint = "https://s3.example"
    }
    let receipt = try await client.putObject(ObjectKey("k"), abc)
    #expect(transport.requests[0].value("x-amz-content-sha256") == "UNSIGNED-PAYLOAD")
    #expect(receipt == PutReceipt(size: 3, etag: "x", checksum: nil))
  }

  @Test("With checksum: none over http the payload is signed all the same")
  func noChecksumOverHTTP() async throws {
    let transport = ScriptedTransport(.answer(200, ["ETag: \"x\""]))
    _ = try await client(transport) { $0.checksum = .none }.putObject(ObjectKey("k"), abc)
    #expect(transport.requests[0].value("x-amz-content-sha256") == sha256)
    #expect(transport.requests[0].value("content-md5") == nil)
  }

  @Test("Another ETag than the content's MD5 means other bytes")
  func otherETag() async throws {
    let client = try client(ScriptedTransport(.answer(200, ["ETag: \"d41d8cd98f00b204e9800998ecf8427e\""])))
    let failure = await failure { () throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), abc) }
    #expect(failure?.kind == .transient(retryAfter: nil))
    #expect(
      failure?.message
        == "cannot upload s3://b/k: the server stored other bytes: their ETag is d41d8cd98f00b204e9800998ecf8427e; "
        + "if the server encrypts or changes what it stores, set verify_etag: false")
  }

  @Test(
    "A success without an ETag is none, whatever else is the proof: it may be no answer of S3's",
    arguments: [[String](), ["ETag:"], ["ETag: \"\""]], S3Destination.Checksum.allCases)
  func noETag(fields: [String], checksum: S3Destination.Checksum) async throws {
    for verifiesETag in [nil, false] {
      let client = try client(ScriptedTransport(.answer(200, fields, "<html>Welcome</html>"))) {
        $0.checksum = checksum
        $0.verifyETag = verifiesETag
      }
      let failure = await failure { () throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), abc) }
      #expect(failure?.code == "MissingETag")
      #expect(failure?.kind == .transient(retryAfter: nil))
    }
  }

  @Test("An ETag in capitals or without quotes is the same ETag")
  func etagForms() async throws {
    let client = try client(
      ScriptedTransport(.answer(200, ["ETag: \(md5)"]), .answer(200, ["etag: \"\(md5.uppercased())\""])))
    _ = try await client.putObject(ObjectKey("k"), abc)
    _ = try await client.putObject(ObjectKey("k"), abc)
  }

  @Test("With verify_etag: false any ETag will do")
  func unverified() async throws {
    let client = try client(ScriptedTransport(.answer(200, ["ETag: \"x\""]))) { $0.verifyETag = false }
    let receipt = try await client.putObject(ObjectKey("k"), abc)
    #expect(receipt.etag == "x")
    #expect(receipt.checksum?.algorithm == .md5)
  }

  @Test("A session token is sent and signed, and stands in no message")
  func token() async throws {
    let transport = ScriptedTransport(.answer(403))
    let client = try client(transport) {
      $0.credentials = .init(accessKeyID: "A", secretAccessKey: Secret("s3cr3t"), sessionToken: Secret("t0k3n"))
    }
    let failure = await failure { () throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), abc) }
    #expect(transport.requests[0].value("x-amz-security-token") == "t0k3n")
    #expect(transport.requests[0].value("authorization")?.contains("x-amz-date;x-amz-security-token,") == true)
    let text = "\(String(describing: failure)) \(String(reflecting: client)) \(transport.requests[0].lines)"
    #expect(!text.contains("s3cr3t"))
  }

  @Test("Keys that no server could hold are refused before anything is sent")
  func keys() async throws {
    let transport = ScriptedTransport()
    let client = try client(transport)
    let cases: [([UInt8], String)] = [
      ([], "cannot upload s3://b/: an object needs a key of at least one byte"),
      ([0x61, 0xFF], "cannot upload s3://b/a\\xff: the key is not UTF-8, as S3 asks for; rename the file"),
      (
        [0xED, 0xA0, 0x80],
        "cannot upload s3://b/\\xed\\xa0\\x80: the key is not UTF-8, as S3 asks for; rename the file"
      ),
    ]
    for (key, message) in cases {
      let failure = await failure { () throws(S3Error) in _ = try await client.putObject(ObjectKey(key), abc) }
      #expect(failure?.kind == .permanent)
      #expect(failure?.message == message)
    }
    let long = await failure { () throws(S3Error) in
      _ = try await client.putObject(ObjectKey([UInt8](repeating: 0x61, count: 1025)), abc)
    }
    #expect(long?.code == "KeyTooLongError")
    #expect(long?.cause == "the key has 1025 bytes, and S3 allows 1024")
    #expect(transport.requests.isEmpty)
  }

  @Test("What is more than one PUT may carry is refused before anything is sent")
  func tooLarge() async throws {
    let transport = ScriptedTransport()
    let body = HTTPBody.file(FilePart(file: NoFile(), offset: 0, count: (5 << 30) + 1))
    let client = try client(transport)
    let failure = await failure { () throws(S3Error) in
      _ = try await client.putObject(ObjectKey("k"), body, digests: ContentDigests(md5: nil, sha256: nil))
    }
    #expect(
      failure?.message == "cannot upload s3://b/k: it has 5368709121 bytes, and one PUT takes at most 5368709120")
    #expect(transport.requests.isEmpty)
  }

  private final class NoFile: OpenFile {
    var descriptor: Int32 { -1 }
    var fingerprint: Fingerprint { Fingerprint(device: 0, inode: 0, size: 0, modified: 0, changed: 0) }
    func currentFingerprint() throws(Failure) -> Fingerprint { fingerprint }
  }

  @Test("An object that is not there has no head, and deleting it is no error")
  func absent() async throws {
    let client = try client(ScriptedTransport(.answer(404), .answer(204)))
    #expect(try await client.headObject(ObjectKey("k")) == nil)
    try await client.deleteObject(ObjectKey("k"))
  }

  @Test("A head tells size and ETag")
  func head() async throws {
    let client = try client(ScriptedTransport(.answer(200, ["Content-Length: 12", "ETag: \"e\""])))
    let head = try await client.headObject(ObjectKey("k"))
    #expect(head?.size == 12)
    #expect(head?.etag == "e")
  }
}

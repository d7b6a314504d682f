import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

@Suite("What an object is given beside its content")
struct ObjectFieldsTests {
  /// Finds text, and has a limit as a regular expression has.
  private struct Substrings: PatternCompiler {
    private struct Substring: Pattern {
      let text: String

      func matches(_ name: [UInt8]) throws(Failure) -> Bool {
        if text == "endless" { throw Failure(.permanent, "match", "it", code: "MatchLimit", cause: "it is endless") }
        return String(decoding: name, as: UTF8.self).contains(text)
      }
    }

    func compile(_ pattern: String) throws(PatternProblem) -> any Pattern {
      if pattern == "(" { throw PatternProblem(pattern: pattern, offset: 1, message: "missing )") }
      return Substring(text: pattern)
    }
  }

  private func fields(
    _ key: String, _ attributes: ObjectAttributes = ObjectAttributes(), token: String? = nil,
    change: (inout S3Destination) -> Void = { _ in }
  ) throws -> [String] {
    var settings = S3Destination(bucket: "b")
    change(&settings)
    var fields = HTTPFields()
    try ObjectFields(settings, patterns: Substrings(), subject: "s3://b")
      .append(ObjectKey(key), attributes, token: token, to: &fields, subject: "s3://b/\(key)")
    return fields.lines.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test("Where nothing is said an object has the type of its extension, and nothing else")
  func plain() throws {
    #expect(try fields("a/b.json") == ["content-type: application/json"])
  }

  @Test("Everything that a destination says stands in the request")
  func everything() throws {
    let lines = try fields("x", token: "t0") {
      $0.acl = "private"
      $0.encryption = .init(kind: .kms, keyID: "alias/k")
      $0.storageClass = "STANDARD_IA"
      $0.tags = ["team": "ci & co", "a": ""]
      $0.metadata = ["origin": "here", "build": "7"]
    }
    #expect(
      lines == [
        "content-type: application/octet-stream", "x-amz-acl: private", "x-amz-server-side-encryption: aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id: alias/k", "x-amz-storage-class: STANDARD_IA",
        "x-amz-meta-build: 7", "x-amz-meta-origin: here", "x-amz-meta-slipway-token: t0",
        "x-amz-tagging: a=&team=ci%20%26%20co",
      ])
  }

  @Test("The first rule that is found in the key counts, and the extension's type is the default")
  func rules() throws {
    let rules: (inout S3Destination) -> Void = {
      $0.headers = [
        .init(
          pattern: ".html", fields: [.init(name: "content-type", value: "text/x"), .init(name: "expires", value: "0")]),
        .init(pattern: "site/", fields: [.init(name: "cache-control", value: "no-cache")]),
        .init(pattern: "", fields: [.init(name: "content-language", value: "de")]),
      ]
    }
    #expect(try fields("site/a.html", change: rules) == ["content-type: text/x", "expires: 0"])
    #expect(try fields("site/a.css", change: rules) == ["cache-control: no-cache", "content-type: text/css"])
    #expect(try fields("a.css", change: rules) == ["content-language: de", "content-type: text/css"])
  }

  @Test("A pattern that exceeds its limit is an error of that file, never a silent no")
  func endless() throws {
    #expect(throws: Failure(.permanent, "match", "it", code: "MatchLimit", cause: "it is endless")) {
      try fields("k") { $0.headers = [.init(pattern: "endless", fields: [.init(name: "expires", value: "0")])] }
    }
  }

  @Test("Rules that cannot be compiled are told before anything is sent")
  func uncompiled() throws {
    var settings = S3Destination(bucket: "b")
    settings.headers = [.init(pattern: "(", fields: [])]
    let bad = #expect(throws: Failure.self) {
      try ObjectFields(settings, patterns: Substrings(), subject: "s3://b")
    }
    #expect(
      bad?.message
        == "cannot use s3://b: bad regular expression at offset 1: missing ); correct headers at the destination")
    let none = #expect(throws: Failure.self) { try ObjectFields(settings, patterns: nil, subject: "s3://b") }
    #expect(none?.kind == .blocked)
  }

  @Test("What a pre hook says wins over what the destination says")
  func hooks() throws {
    let lines = try fields("x", ObjectAttributes(tags: ["a": "hook"], metadata: ["m": "hook"])) {
      $0.tags = ["a": "file", "b": "file"]
      $0.metadata = ["m": "file", "n": "file"]
    }
    #expect(
      lines.dropFirst() == ["x-amz-meta-m: hook", "x-amz-meta-n: file", "x-amz-tagging: a=hook&b=file"])
  }

  @Test("More tags or metadata than S3 takes are refused before anything is sent")
  func limits() throws {
    let tags = Dictionary(uniqueKeysWithValues: (0..<10).map { ("t\($0)", "") })
    let tooMany = #expect(throws: Failure.self) {
      try fields("k", ObjectAttributes(tags: tags)) { $0.tags = ["other": ""] }
    }
    #expect(
      tooMany?.message
        == "cannot upload s3://b/k: the destination, the tree and the pre hooks give it 11 tags, "
        + "and there is room for 10")
    #expect(tooMany?.kind == .permanent)
    let tooLong = #expect(throws: Failure.self) {
      try fields("k", ObjectAttributes(metadata: ["m": String(repeating: "x", count: 1985)])) {
        $0.metadata = ["n": ""]
      }
    }
    #expect(
      tooLong?.cause
        == "the destination, the tree and the pre hooks give it 1987 bytes of metadata beside Slipway's own, "
        + "and there is room for 1986")
  }

  @Test("Who pays and whose the bucket must be stand in every request, signed")
  func account() async throws {
    let transport = ScriptedTransport(
      .answer(200, ["ETag: \"900150983cd24fb0d6963f7d28e17f72\""]), .answer(404), .answer(204))
    let client = try client(transport) {
      $0.paysAsRequester = true
      $0.expectedBucketOwner = "012345678901"
    }
    _ = try await client.putObject(ObjectKey("k"), Array("abc".utf8))
    _ = try await client.headObject(ObjectKey("k"))
    try await client.deleteObject(ObjectKey("k"))
    #expect(transport.requests.count == 3)
    for request in transport.requests {
      #expect(request.value("x-amz-request-payer") == "requester")
      #expect(request.value("x-amz-expected-bucket-owner") == "012345678901")
      #expect(request.value("authorization")?.contains("x-amz-expected-bucket-owner;x-amz-request-payer,") == true)
    }
  }

  @Test("With a key of KMS no ETag is compared, and where MD5 would be the proof SHA-256 is")
  func kms() async throws {
    let sha256 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
    let transport = ScriptedTransport(.answer(200, ["ETag: \"0123456789abcdef0123456789abcdef\""]))
    let client = try client(transport) { $0.encryption = .init(kind: .kms) }
    let receipt = try await client.putObject(ObjectKey("k"), Array("abc".utf8))
    #expect(receipt.checksum?.algorithm == .sha256)
    #expect(transport.requests[0].value("x-amz-checksum-sha256") == sha256)
    #expect(transport.requests[0].value("content-md5") == nil)
  }

  @Test("What auto stands for is the server's own matter", arguments: S3ServerKind.allCases)
  func checksums(kind: S3ServerKind) throws {
    let client = try client(ScriptedTransport()) { $0.server = kind }
    #expect(client.proof.checksum == (kind == .aws ? .crc64nvme : .md5))
    #expect(client.proof.verifiesETag == (kind != .aws))
    #expect(client.endpoint.region == (kind == .r2 ? "auto" : "us-east-1"))
  }

  @Test("A region of the environment is another server's where there is only one, and that of the file is meant")
  func region() throws {
    var settings = S3Destination(bucket: "b")
    settings.endpoint = "https://x.r2.cloudflarestorage.com"
    settings.server = .r2
    let environment = ["AWS_REGION": "eu-west-1"]
    #expect(try S3Endpoint(settings, environment: environment).region == "auto")
    settings.region = "us-east-1"
    #expect(try S3Endpoint(settings, environment: environment).region == "us-east-1")
  }
}

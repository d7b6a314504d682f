import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite("Buckets and tags") struct BucketAndTagTests {
  @Test("A bucket tells its region, one that is not there is none")
  func head() async throws {
    try await ScriptedS3Server.with { server in
      let absent = try client(of: server) { $0.bucket = "absent" }
      #expect(try await client(of: server).headBucket() == BucketHead(region: "us-east-1"))
      #expect(try await absent.headBucket() == nil)
    }
  }

  @Test("A bucket elsewhere is told with its own region, one that may not be seen is an error")
  func elsewhere() async throws {
    let redirected = try client(ScriptedTransport(.answer(301, ["x-amz-bucket-region: eu-west-1"])))
    #expect(try await redirected.headBucket()?.region == "eu-west-1")
    let denied = try client(ScriptedTransport(.answer(403, ["x-amz-bucket-region: eu-west-1"])))
    let error = await #expect(throws: S3Error.self) { try await denied.headBucket() }
    #expect(error?.kind == .blocked)
  }

  @Test(
    "A bucket is made in the client's region, and making it again is no error", arguments: ["us-east-1", "eu-west-1"])
  func create(region: String) async throws {
    var settings = ScriptedS3Server.Settings()
    settings.region = region
    try await ScriptedS3Server.with(settings) { server in
      let client = try client(of: server) {
        $0.bucket = "new"
        $0.region = region
      }
      try await client.createBucket()
      try await client.createBucket()
      #expect(try await client.headBucket()?.region == region)
      #expect(server.requests[0].body.isEmpty == (region == "us-east-1"))
    }
  }

  @Test("A bucket that is somebody else's is a permanent error")
  func taken() async throws {
    let body = "<Error><Code>BucketAlreadyExists</Code></Error>"
    let client = try client(ScriptedTransport(.answer(409, [], body)))
    let error = await #expect(throws: S3Error.self) { try await client.createBucket() }
    #expect(error?.code == "BucketAlreadyExists")
    #expect(error?.kind == .permanent)
  }

  @Test("Tags are replaced as a whole, and read back as they were")
  func tags() async throws {
    try await ScriptedS3Server.with { server in
      let client = try client(of: server)
      try await client.putObject("k", [1], ObjectAttributes(tags: ["old": "1"]))
      #expect(try await client.objectTags(ObjectKey("k")) == ["old": "1"])
      for tags in [["a&b": "<c>", "é": ""], [:]] {
        try await client.setObjectTags(ObjectKey("k"), tags)
        #expect(try await client.objectTags(ObjectKey("k")) == tags)
      }
      let error = await #expect(throws: S3Error.self) { try await client.objectTags(ObjectKey("absent")) }
      #expect(error?.code == "NoSuchKey")
      let odd = await #expect(throws: S3Error.self) { try await client.setObjectTags(ObjectKey("k"), ["\u{1}": "x"]) }
      #expect(odd?.failure.message == "cannot tag s3://bucket/k: XML cannot carry the tag \\x01")
    }
  }

  @Test(
    "An answer that is no Tagging is an error, not an object without tags", arguments: ["", "<html/>", "<Tagging>"])
  func hostileTags(body: String) async throws {
    let client = try client(ScriptedTransport(.answer(200, [], body)))
    let error = await #expect(throws: S3Error.self) { try await client.objectTags(ObjectKey("k")) }
    #expect(error?.code == "InvalidAnswer")
  }

  @Test(
    "Dates of headers are read, and nothing else",
    arguments: [
      ("Fri, 24 May 2013 00:00:01 GMT", 1_369_353_601), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
      ("Fri, 24 May 2013 00:00:01 CET", nil), ("Fri, 24 Mai 2013 00:00:01 GMT", nil), ("", nil),
      ("Fri, 24 May 2013 24:00:01 GMT", nil), ("Fri, 24 May 2013 00:00 GMT", nil), ("2013-05-24T00:00:01Z", nil),
    ] as [(String, Int64?)])
  func dates(text: String, seconds: Int64?) {
    #expect(Timestamp(httpDate: text.utf8) == seconds.map { Timestamp(seconds: $0) })
  }
}

import SlipwayModel
import Testing

@testable import S3Client

@Suite struct EndpointTests {
  private func endpoint(
    _ bucket: String = "my-bucket", _ environment: [String: String] = [:],
    _ change: (inout S3Destination) -> Void = { _ in }
  ) throws -> S3Endpoint {
    var settings = S3Destination(bucket: bucket)
    change(&settings)
    return try S3Endpoint(settings, environment: environment)
  }

  private func failure(_ body: () throws -> Void) -> Failure? {
    do {
      try body()
      return nil
    } catch { return error as? Failure }
  }

  @Test("AWS is addressed by a host of the bucket's own, unless the certificate would not match it")
  func virtualHost() throws {
    let key = ObjectKey("a b/é")
    let environment = ["AWS_REGION": "eu-west-1"]
    #expect(
      try endpoint("my-bucket", environment).url(of: key)
        == "https://my-bucket.s3.eu-west-1.amazonaws.com/a%20b/%C3%A9")
    #expect(
      try endpoint("my.bucket", environment).url(of: key)
        == "https://s3.eu-west-1.amazonaws.com/my.bucket/a%20b/%C3%A9")
    #expect(
      try endpoint("Old_Bucket", environment).url(of: ObjectKey("k"))
        == "https://s3.eu-west-1.amazonaws.com/Old_Bucket/k")
    #expect(
      try endpoint("b12", ["AWS_DEFAULT_REGION": "cn-north-1"]).url(of: ObjectKey("k"))
        == "https://b12.s3.cn-north-1.amazonaws.com.cn/k")
  }

  @Test("A server of one's own is addressed by paths, in us-east-1 unless something else is said")
  func ownServer() throws {
    let plain = try endpoint { $0.endpoint = "http://127.0.0.1:9000/" }
    #expect(plain.url(of: ObjectKey("k")) == "http://127.0.0.1:9000/my-bucket/k")
    #expect(plain.region == "us-east-1")
    let hosted = try endpoint {
      $0.endpoint = "HTTPS://S3.Example.com:443"
      $0.addressing = .virtualHost
      $0.region = "x"
    }
    #expect(hosted.url(of: ObjectKey("k")) == "https://my-bucket.s3.example.com/k")
    #expect(hosted.region == "x")
  }

  @Test("The environment may name the server")
  func environment() throws {
    let named = try endpoint("b", ["AWS_ENDPOINT_URL_S3": "http://localhost:1", "AWS_REGION": ""])
    #expect(named.url(of: ObjectKey("k")) == "http://localhost:1/b/k")
  }

  @Test("Without a region AWS cannot be addressed, and the message says how to name one")
  func noRegion() {
    let failure = failure { _ = try endpoint() }
    #expect(failure?.kind == .blocked)
    #expect(
      failure?.message
        == "cannot use s3://my-bucket: no region is named; set region at the destination, or AWS_REGION in the environment"
    )
  }

  @Test("Plain http is for this machine, unless the operator says otherwise")
  func insecure() throws {
    let failure = failure { _ = try endpoint { $0.endpoint = "http://10.0.0.1:9000" } }
    #expect(
      failure?.message
        == "cannot use s3://my-bucket: plain http to another machine (10.0.0.1:9000) shows every object to the network; "
        + "use https, or set insecure: true")
    for local in ["http://localhost", "http://127.1.2.3:9", "http://[::1]:80"] {
      #expect(try endpoint { $0.endpoint = local }.isEncrypted == false)
    }
    _ = try endpoint {
      $0.endpoint = "http://10.0.0.1:9000"
      $0.allowsInsecure = true
    }
  }

  @Test(
    "What is no endpoint is refused",
    arguments: [
      "", "s3.example.com", "ftp://x", "https://", "https://a/b", "https://u@h", "https://h:0", "https://h:99999",
      "https://h:", "https://[::1", "https://h\r\nx", "http://127.0.0.1.evil.example", "http://127.0.0.999",
    ])
  func invalid(text: String) {
    let failure = failure { _ = try endpoint { $0.endpoint = text } }
    #expect(failure?.kind == .blocked)
    #expect(["InvalidEndpoint", "InsecureEndpoint"].contains(failure?.code))
  }
}

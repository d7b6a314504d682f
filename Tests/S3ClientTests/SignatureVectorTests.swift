import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

/// The examples of the S3 API reference, "Signature Calculations for the Authorization Header".
@Suite struct SignatureVectorTests {
  private static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  private static let secret = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

  private func authorization(
    _ method: HTTPRequest.Method, _ path: String, _ query: [(String, String?)] = [], hash: String = empty,
    _ more: [(String, String)] = []
  ) throws -> String {
    var fields = HTTPFields()
    for (name, value) in more + [("x-amz-content-sha256", hash), ("x-amz-date", "20130524T000000Z")] {
      fields.append(name, value)
    }
    let request = SignableRequest(
      method: method, path: Array(path.utf8), query: CanonicalQuery(query.map { ($0.0, $0.1.map { Array($0.utf8) }) }),
      fields: fields, host: "examplebucket.s3.amazonaws.com", payloadHash: Array(hash.utf8))
    let key = try SigningKey(secret: Self.secret, day: Array("20130524".utf8), region: "us-east-1", service: "s3")
    let value = try request.authorization(
      key, accessKeyID: "AKIAIOSFODNN7EXAMPLE", time: Array("20130524T000000Z".utf8))
    return String(decoding: value, as: UTF8.self)
  }

  @Test("GET of ten bytes of test.txt")
  func getObject() throws {
    #expect(
      try authorization(.get, "/test.txt", [], [("Range", "bytes=0-9")])
        == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
  }

  @Test("PUT of test$file.text")
  func putObject() throws {
    var path: [UInt8] = Array("/".utf8)
    path.appendPercentEncoded(Array("test$file.text".utf8), keepsSlashes: true)
    let value = try authorization(
      .put, String(decoding: path, as: UTF8.self), [],
      hash: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
      [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")])
    #expect(value.contains("SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"))
    #expect(value.hasSuffix("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
  }

  @Test("GET of a bucket's lifecycle")
  func lifecycle() throws {
    #expect(
      try authorization(.get, "/", [("lifecycle", nil)])
        .hasSuffix("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"))
  }

  @Test("GET of a bucket's listing, parameters in any order")
  func listing() throws {
    #expect(
      try authorization(.get, "/", [("prefix", "J"), ("max-keys", "2")])
        .hasSuffix("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
  }

  @Test("Spaces in values are folded, names put in order and lowercase, whatever the request looks like")
  func folding() throws {
    let plain = try authorization(.get, "/", [], [("a-b", "x y"), ("zz", "1")])
    #expect(try authorization(.get, "/", [], [("ZZ", "1"), ("A-b", "  x \t  y ")]) == plain)
    let single = try authorization(.get, "/", [], [("a", "xy")])
    #expect(try authorization(.get, "/", [], [("a", " xy\t")]) == single)
    #expect(try authorization(.get, "/", [], [("a", "x y")]) != single)
  }

  @Test("A key's bytes are encoded once, in capitals, and nothing is normalised")
  func encoding() {
    var path: [UInt8] = []
    path.appendPercentEncoded(Array("a/../b//%41+ ~é\u{1}*'()".utf8) + [0xFF], keepsSlashes: true)
    #expect(String(decoding: path, as: UTF8.self) == "a/../b//%2541%2B%20~%C3%A9%01%2A%27%28%29%FF")
  }

  @Test("The key is derived anew on another day and for other credentials, not every second")
  func cache() throws {
    let cache = SigningCache(region: "us-east-1", service: "s3")
    let keys = S3Credentials(accessKeyID: "a", secretAccessKey: Secret("s"))
    let midnight: Int64 = 1_369_353_600
    let before = try cache.moment(Timestamp(seconds: midnight - 1), keys)
    let after = try cache.moment(Timestamp(seconds: midnight), keys)
    #expect(String(decoding: before.time, as: UTF8.self) == "20130523T235959Z")
    #expect(String(decoding: after.time, as: UTF8.self) == "20130524T000000Z")
    #expect(before.key.scope != after.key.scope)
    let text = Array("x".utf8)
    let other = S3Credentials(accessKeyID: "a", secretAccessKey: Secret("t"))
    let otherKey = try cache.moment(Timestamp(seconds: midnight), other).key
    let later = try cache.moment(Timestamp(seconds: midnight + 1), keys)
    #expect(try otherKey.signature(of: text) != after.key.signature(of: text))
    #expect(try later.key.signature(of: text) == after.key.signature(of: text))
  }
}

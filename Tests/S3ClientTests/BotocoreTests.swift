import Foundation
import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

/// The same requests signed by botocore, where this machine has it.
@Suite struct BotocoreTests {
  private static let python = ProcessInfo.processInfo.environment["SLIPWAY_TEST_PYTHON"] ?? "python3"
  private static let isThere = succeeds([python, "-c", "import botocore.auth"])

  private struct Case: Codable {
    let method: String
    let key: [UInt8]
    /// A name, and a value if it has one.
    let query: [[String]]
    let fields: [[String]]
  }

  @Test(
    "Five thousand odd keys and queries are signed as botocore signs them",
    .enabled(if: BotocoreTests.isThere, "python3 with botocore is not installed"))
  func differential() async throws {
    var random = Random(state: 20_261_121)
    let cases = (0..<5000).map { _ in random.request() }
    let directory = try TemporaryDirectory()
    let input = try directory.write(Array(JSONEncoder().encode(cases)), to: BytePath("cases"))
    let python = try Program(
      Program.Launch(
        ["/usr/bin/env", Self.python, "-c", Self.script, input.description],
        environment: ProcessInfo.processInfo.environment))
    #expect(await python.end() == .exited(0), "\(python.transcript)")
    let theirs = python.lines(.output)
    #expect(theirs.count == cases.count)
    for (ours, theirs) in zip(try cases.map(sign), theirs) { #expect(ours == theirs) }
  }

  private func sign(_ request: Case) throws -> String {
    var path = Array("/bucket/".utf8)
    path.appendPercentEncoded(request.key, keepsSlashes: true)
    var fields = HTTPFields()
    for field in request.fields { fields.append(field[0], field[1]) }
    fields.append("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    fields.append("x-amz-date", "20130524T000000Z")
    let signable = SignableRequest(
      method: try #require(HTTPRequest.Method(rawValue: request.method)), path: path,
      query: CanonicalQuery(request.query.map { ($0[0], $0.count > 1 ? Array($0[1].utf8) : nil) }), fields: fields,
      host: "127.0.0.1:7480",
      payloadHash: Array("UNSIGNED-PAYLOAD".utf8))
    let key = try SigningKey(secret: Secret("secret"), day: Array("20130524".utf8), region: "eu-west-1", service: "s3")
    let value = try signable.authorization(key, accessKeyID: "AKIAEXAMPLE", time: Array("20130524T000000Z".utf8))
    return String(decoding: value, as: UTF8.self).replacing(",S", with: ", S")
  }

  private static let script = """
    import sys, json, datetime, urllib.parse
    import botocore.auth, botocore.compat
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    class Frozen(botocore.auth.S3SigV4Auth):
        def payload(self, request): return "UNSIGNED-PAYLOAD"
    auth = Frozen(Credentials("AKIAEXAMPLE", "secret"), "s3", "eu-west-1")
    for case in json.load(open(sys.argv[1])):
        quote = lambda b: urllib.parse.quote(bytes(b), safe="/~")
        query = "&".join("=".join(urllib.parse.quote(t, safe="~") for t in pair) for pair in case["query"])
        url = "http://127.0.0.1:7480/bucket/" + quote(case["key"]) + ("?" + query if query else "")
        request = AWSRequest(method=case["method"], url=url, headers=dict(case["fields"]))
        request.context["timestamp"] = "20130524T000000Z"
        request.headers["X-Amz-Date"] = "20130524T000000Z"
        request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
        signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        auth._inject_signature_to_request(request, signature)
        print(request.headers["Authorization"])
    """

  /// A small generator whose sequence is always the same (splitmix64).
  private struct Random {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    mutating func text(_ limit: Int) -> String {
      let alphabet = Array("abcXYZ019-._~/ +%&=?#*'\"()!@$,;:[]|\\^`{}<>\té\u{301}日😀\u{1}")
      return String((0..<below(limit)).map { _ in alphabet[below(alphabet.count)] })
    }

    mutating func request() -> Case {
      let names = ["prefix", "marker", "uploadId", "partNumber", "list-type", "delimiter", "a b", "é", "A", "a"]
      let valued = names.filter { _ in below(3) == 0 }.map { [$0, text(20)] }
      let query = valued + ["uploads", "delete", "tagging"].filter { _ in below(6) == 0 }.map { [$0] }
      let fields = ["content-md5", "content-type", "x-amz-acl", "x-amz-meta-a", "x-amz-meta-b-c"].filter { _ in
        below(3) == 0
      }
      .map { [$0, "v" + String(below(1000)) + "  w /+=" + String(below(10))] }
      return Case(
        method: ["GET", "PUT", "POST", "HEAD", "DELETE"][below(5)], key: Array(("k" + text(40)).utf8), query: query,
        fields: fields)
    }
  }
}

import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

@Suite struct ErrorAnswerTests {
  private func error(_ answer: Result<HTTPResponse, HTTPTransportError>) async throws -> S3Error {
    // Twice, as some are signed anew and sent again.
    let client = try client(ScriptedTransport(answer, answer))
    do {
      _ = try await client.putObject(ObjectKey("k\n1"), [1])
    } catch {
      return error
    }
    throw Unexpected()
  }

  private struct Unexpected: Error {}

  private func xml(_ code: String, _ more: String = "") -> String {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>\(code)</Code><Message>a &lt;b&gt;</Message>\(more)"
      + "<RequestId>R1</RequestId></Error>"
  }

  @Test(
    "What may pass is transient",
    arguments: [
      (500, "InternalError"), (503, "SlowDown"), (503, ""), (502, ""), (504, ""), (429, ""), (408, ""),
      (400, "RequestTimeout"), (400, "BadDigest"), (400, "InvalidDigest"), (400, "XAmzContentSHA256Mismatch"),
      (409, "OperationAborted"), (409, "ConditionalRequestConflict"), (400, "IncompleteBody"),
    ])
  func transient(status: Int, code: String) async throws {
    let error = try await error(.answer(status, [], code.isEmpty ? "" : xml(code)))
    #expect(error.kind == .transient(retryAfter: nil))
    #expect(error.code == (code.isEmpty ? "HTTP\(status)" : code))
    #expect(error.status == status)
  }

  @Test(
    "What waits for an operator is blocked",
    arguments: [
      (403, "AccessDenied"), (404, "NoSuchBucket"), (403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch"),
      (400, "ExpiredToken"), (403, "AllAccessDisabled"), (403, ""), (401, ""), (301, ""), (307, ""),
      (403, "RequestTimeTooSkewed"),
    ])
  func blocked(status: Int, code: String) async throws {
    let error = try await error(.answer(status, [], code.isEmpty ? "" : xml(code)))
    #expect(error.kind == .blocked)
    #expect(!error.failure.remedy.isEmpty)
  }

  @Test(
    "Any other refusal is permanent",
    arguments: [
      (400, "InvalidArgument"), (404, "NoSuchKey"), (412, "PreconditionFailed"), (405, ""), (501, "NotImplemented"),
    ])
  func permanent(status: Int, code: String) async throws {
    #expect(try await error(.answer(status, [], code.isEmpty ? "" : xml(code))).kind == .permanent)
  }

  @Test("The message has the server's own words, and the request can be found by its ID")
  func message() async throws {
    let error = try await error(.answer(404, [], xml("NoSuchBucket")))
    #expect(
      error.failure.message == "cannot upload s3://b/k\\n1: the server answered 404 NoSuchBucket: a <b>; "
        + "create the bucket, or correct bucket at the destination")
    #expect(error.requestID == "R1")
  }

  @Test("The right region is named from the answer's text, or from its header")
  func region() async throws {
    let malformed = try await error(
      .answer(400, [], xml("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")))
    #expect(malformed.kind == .blocked)
    #expect(malformed.failure.remedy == "set region: eu-west-1 at the destination")
    let moved = try await error(.answer(301, ["x-amz-bucket-region: us-west-2"]))
    #expect(moved.failure.remedy == "set region: us-west-2 at the destination")
    let hostile = try await error(.answer(301, ["x-amz-bucket-region: x\u{1b}[31m"]))
    #expect(hostile.failure.remedy == "correct region and endpoint at the destination")
  }

  @Test("Retry-After is kept up to its limit", arguments: [("3", 3), ("99999999", 3600)])
  func retryAfter(value: String, seconds: Int) async throws {
    let error = try await error(.answer(503, ["Retry-After: \(value)"], xml("SlowDown")))
    #expect(error.kind == .transient(retryAfter: .seconds(seconds)))
  }

  @Test("A Retry-After that is not a number is none", arguments: ["-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
  func noRetryAfter(value: String) async throws {
    #expect(try await error(.answer(503, ["Retry-After: \(value)"])).kind == .transient(retryAfter: nil))
  }

  @Test("A proxy's page breaks nothing, and none of it is shown")
  func html() async throws {
    let error = try await error(.answer(502, [], "<html><body><Error><Code>AccessDenied</Code></body>"))
    #expect(error.kind == .transient(retryAfter: nil))
    #expect(error.failure.message == "cannot upload s3://b/k\\n1: the server answered 502")
  }

  @Test("Hostile text is escaped and cut, a hostile code is not taken")
  func hostile() async throws {
    let text = "\u{9}\u{85}\u{202E}" + String(repeating: "x", count: 5000)
    let body = "<Error><Code>Access\u{9}Denied</Code><Message>\(text)</Message></Error>"
    let error = try await error(.answer(400, [], body))
    #expect(error.code == "HTTP400")
    #expect(error.failure.cause.hasPrefix("the server answered 400: \\t\\u{85}\\u{202e}xxx"))
    #expect(error.failure.cause.utf8.count < 400)
  }

  @Test("A truncated error still tells its code")
  func truncated() async throws {
    #expect(try await error(.answer(403, [], "<Error><Code>AccessDenied</Code><Mess")).code == "AccessDenied")
  }

  private static let refused: [(String, AnswerProblem)] = [
    ("<!DOCTYPE Error [<!ENTITY a \"AccessDenied\">]><Error><Code>&a;</Code></Error>", .documentType),
    (String(repeating: "<a>", count: 17), .tooDeep),
    ("<a>\(String(repeating: "x", count: AnswerParser.textLimit + 1))</a>", .tooLong),
    ("<a\(String(repeating: "x", count: 300))/>", .tooLong),
    ("<a></b>", .malformed), ("", .malformed), ("<a>&nbsp;</a>", .malformed),
  ]

  @Test("Entities, depth and length are refused", arguments: refused)
  func bounded(text: String, problem: AnswerProblem) {
    final class Nobody: AnswerHandler {
      func begin(_ name: String, depth: Int) {}
      func end(_ name: String, text: [UInt8], depth: Int) {}
    }
    let parser = AnswerParser(Nobody())
    #expect(throws: problem) { try parser.read(Array(text.utf8), isLast: true) }
    #expect(throws: problem) { try parser.read([], isLast: true) }
  }

  @Test("An answer may come in pieces of any size")
  func pieces() throws {
    final class Log: AnswerHandler {
      var lines: [String] = []
      func begin(_ name: String, depth: Int) { lines.append("\(depth) \(name)") }
      func end(_ name: String, text: [UInt8], depth: Int) {
        lines.append("\(depth) /\(name) \(String(decoding: text, as: UTF8.self))")
      }
    }
    let log = Log()
    let parser = AnswerParser(log)
    for byte in "<a>x<b>é&amp;</b>y</a>".utf8 { try parser.read([byte], isLast: false) }
    try parser.read([], isLast: true)
    #expect(log.lines == ["1 a", "2 b", "2 /b é&", "1 /a xy"])
  }

  @Test("What the transport could not do is told with the object's name")
  func transport() async throws {
    let error = try await error(.failure(HTTPTransportError(.stalled)))
    #expect(error.failure.message == "cannot upload s3://b/k\\n1: the connection stood still")
    #expect(error.code == "Stalled")
    #expect(error.status == 0)
  }
}

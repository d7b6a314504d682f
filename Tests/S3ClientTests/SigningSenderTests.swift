import HTTPTransport
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import S3Client

private let start = Timestamp(seconds: 1_369_353_600)

/// Gives the next keys whenever the current ones are refused.
private final class RotatingKeys: CredentialProvider {
  private let left: Mutex<[String]>
  init(_ names: String...) { left = Mutex(names) }

  func credentials() async throws(Failure) -> S3Credentials { keys(left.withLock { $0[0] }) }
  func credentials(insteadOf refused: S3Credentials) async throws(Failure) -> S3Credentials {
    left.withLock { if keys($0[0]) == refused, $0.count > 1 { $0.removeFirst() } }
    return try await credentials()
  }
}

private struct BrokenKeys: CredentialProvider {
  static let down = Failure(.transient(retryAfter: nil), "get credentials from", "x", code: "Down", cause: "down")
  func credentials() async throws(Failure) -> S3Credentials { keys("A") }
  func credentials(insteadOf refused: S3Credentials) async throws(Failure) -> S3Credentials { throw Self.down }
}

/// A sender for bucket `bkt` of AWS in eu-west-1, or of a server on this machine.
private func sender(
  _ transport: any HTTPSender, _ provider: any CredentialProvider = RotatingKeys("A"), endpoint: String? = nil,
  now: @escaping @Sendable () -> Timestamp = { start }
) throws -> SigningSender {
  var settings = S3Destination(bucket: "bkt")
  settings.region = "eu-west-1"
  settings.endpoint = endpoint
  return SigningSender(
    try S3Endpoint(settings, environment: [:]), credentials: provider, transport: transport, now: now)
}

private func error(
  _ code: String, _ status: Int, _ fields: [String] = [], more: String = ""
) -> Result<HTTPResponse, HTTPTransportError> {
  .answer(status, fields, "<Error><Code>\(code)</Code>\(more)</Error>")
}

private let get = S3Request(.get, ObjectKey("k"), operation: "read")
private let head = S3Request(.head, ObjectKey("k"), operation: "look at")

private func code(_ body: () async throws(S3Error) -> HTTPResponse) async -> String {
  do throws(S3Error) { return "\(try await body().status)" } catch { return error.code }
}

@Suite("Keys that a server refuses")
struct RefusedKeysTests {
  @Test(
    "New keys sign the request once more",
    arguments: ["ExpiredToken", "TokenRefreshRequired", "InvalidToken", "InvalidAccessKeyId"])
  func rotated(name: String) async throws {
    let transport = ScriptedTransport(error(name, 400), .answer(200), .answer(200))
    let sender = try sender(transport, RotatingKeys("A", "B"))
    #expect(try await sender.send(get).status == 200)
    _ = try await sender.send(get)
    #expect(transport.requests.map { $0.value("x-amz-security-token") } == ["token-A", "token-B", "token-B"])
  }

  @Test("Without other keys nothing is sent again")
  func same() async throws {
    let transport = ScriptedTransport(error("ExpiredToken", 400))
    let sender = try sender(transport)
    #expect(await code { () async throws(S3Error) in try await sender.send(get) } == "ExpiredToken")
    #expect(transport.requests.count == 1)
  }

  @Test("New keys that are refused, too, are the end of it")
  func twice() async throws {
    let transport = ScriptedTransport(error("ExpiredToken", 400), error("ExpiredToken", 400))
    let sender = try sender(transport, RotatingKeys("A", "B", "C"))
    #expect(await code { () async throws(S3Error) in try await sender.send(get) } == "ExpiredToken")
    #expect(transport.requests.count == 2)
  }

  @Test("An answer to HEAD says no code: a 400 is taken for a token that has expired, a 403 is not")
  func headOnly() async throws {
    let transport = ScriptedTransport(.answer(400), .answer(200), .answer(403))
    let sender = try sender(transport, RotatingKeys("A", "B", "C"))
    #expect(try await sender.send(head).status == 200)
    #expect(await code { () async throws(S3Error) in try await sender.send(head) } == "HTTP403")
    #expect(transport.requests.count == 3)
    let plain = ScriptedTransport(.answer(400))
    let fixed = FixedCredentials(S3Credentials(accessKeyID: "A", secretAccessKey: Secret("s")))
    let plainSender = try S3ClientTests.sender(plain, fixed)
    #expect(await code { () async throws(S3Error) in try await plainSender.send(head) } == "HTTP400")
    #expect(plain.requests.count == 1)
  }

  @Test("If none can be fetched, that is what is told")
  func unreachable() async throws {
    let sender = try sender(ScriptedTransport(error("ExpiredToken", 400)), BrokenKeys())
    let told = await #expect(throws: S3Error.self) { try await sender.send(get) }
    #expect(told?.failure == BrokenKeys.down)
  }
}

@Suite("A bucket in another region")
struct OtherRegionTests {
  private let inBody = "<Region>us-west-2</Region><Endpoint>evil.example</Endpoint>"

  @Test("At AWS it is asked for at that region's host, also later; Location is not followed")
  func aws() async throws {
    let transport = ScriptedTransport(
      error("PermanentRedirect", 301, ["Location: https://evil.example/"], more: inBody), .answer(200), .answer(200))
    let sender = try sender(transport)
    #expect(try await sender.send(get).status == 200)
    _ = try await sender.send(get)
    #expect(
      transport.requests.map(\.url) == [
        "https://bkt.s3.eu-west-1.amazonaws.com/k", "https://bkt.s3.us-west-2.amazonaws.com/k",
        "https://bkt.s3.us-west-2.amazonaws.com/k",
      ])
    #expect(transport.requests[1].value("authorization")?.contains("/us-west-2/s3/") == true)
  }

  @Test(
    "Each way to say so counts",
    arguments: [
      error("TemporaryRedirect", 307, ["x-amz-bucket-region: us-west-2"]),
      error("AuthorizationHeaderMalformed", 400, more: "<Region>us-west-2</Region>"),
      error("IllegalLocationConstraintException", 400, ["x-amz-bucket-region: us-west-2"]),
    ])
  func ways(answer: Result<HTTPResponse, HTTPTransportError>) async throws {
    let transport = ScriptedTransport(answer, .answer(200))
    #expect(try await sender(transport).send(get).status == 200)
    #expect(transport.requests[1].url.contains("us-west-2"))
  }

  @Test("An answer to HEAD says it in its header", arguments: [301, 400])
  func headOnly(status: Int) async throws {
    let transport = ScriptedTransport(.answer(status, ["x-amz-bucket-region: us-west-2"]), .answer(200))
    #expect(try await sender(transport).send(head).status == 200)
    #expect(transport.requests[1].url.contains("us-west-2"))
  }

  @Test("Any other server stays the one that was named")
  func ownServer() async throws {
    let transport = ScriptedTransport(
      error("AuthorizationHeaderMalformed", 400, more: "<Region>us-west-2</Region>"), .answer(200))
    _ = try await sender(transport, endpoint: "http://127.0.0.1:7480").send(get)
    #expect(transport.requests.map(\.url) == Array(repeating: "http://127.0.0.1:7480/bkt/k", count: 2))
    #expect(transport.requests[1].value("authorization")?.contains("/us-west-2/s3/") == true)
  }

  @Test("Servers that send one another the request are asked once each, and nothing is remembered")
  func loop() async throws {
    let there = error("PermanentRedirect", 301, more: "<Region>us-west-2</Region>")
    let back = error("PermanentRedirect", 301, more: "<Region>eu-west-1</Region>")
    let transport = ScriptedTransport(there, back, .answer(200))
    let sender = try sender(transport)
    #expect(await code { () async throws(S3Error) in try await sender.send(get) } == "PermanentRedirect")
    _ = try await sender.send(get)
    #expect(transport.requests.map { $0.url.contains("eu-west-1") } == [true, false, true])
  }

  @Test(
    "What cannot be a region's name becomes no part of a host",
    arguments: ["evil.example/", "a@evil.example", "EU", "x#", "", "eu-west-1"])
  func hostile(name: String) async throws {
    let transport = ScriptedTransport(
      error("PermanentRedirect", 301, ["Location: https://evil.example/"], more: "<Region>\(name)</Region>"))
    let sender = try sender(transport)
    #expect(await code { () async throws(S3Error) in try await sender.send(get) } == "PermanentRedirect")
    #expect(transport.requests.count == 1)
  }
}

@Suite("A clock that is off")
struct SkewedClockTests {
  private let clock = ManualClock(now: start)
  private let skewed = "RequestTimeTooSkewed"
  /// Twenty minutes after `start`.
  private let ahead = "Date: Fri, 24 May 2013 00:20:00 GMT"

  private func sender(_ transport: any HTTPSender, _ provider: any CredentialProvider = RotatingKeys("A")) throws
    -> SigningSender
  {
    let clock = clock
    return try S3ClientTests.sender(transport, provider, now: { clock.now() })
  }

  private func dates(_ transport: ScriptedTransport) -> [String?] {
    transport.requests.map { $0.value("x-amz-date").map { String($0.dropFirst(9)) } }
  }

  @Test("The server's clock is kept until this machine's is right again")
  func learnt() async throws {
    let transport = ScriptedTransport(
      error(skewed, 403, [ahead]), .answer(200, [ahead]), .answer(200, [ahead]),
      .answer(200, ["Date: Fri, 24 May 2013 00:03:00 GMT"]), .answer(200))
    let sender = try sender(transport)
    for _ in 0..<4 { _ = try await sender.send(get) }
    #expect(dates(transport) == ["000000Z", "002000Z", "002000Z", "002000Z", "000000Z"])
  }

  @Test("It is also forgotten when it is what the server refuses")
  func setRight() async throws {
    let transport = ScriptedTransport(
      error(skewed, 403, [ahead]), .answer(200, [ahead]), error(skewed, 403, [ahead]), .answer(200, [ahead]))
    let sender = try sender(transport)
    _ = try await sender.send(get)
    clock.advance(by: .seconds(1200))
    _ = try await sender.send(get)
    #expect(dates(transport) == ["000000Z", "002000Z", "004000Z", "002000Z"])
  }

  @Test("A 403 of any kind is looked at, since an answer to HEAD says no more")
  func headOnly() async throws {
    let transport = ScriptedTransport(.answer(403, [ahead]), .answer(200, [ahead]))
    #expect(try await sender(transport).send(head).status == 200)
    #expect(dates(transport) == ["000000Z", "002000Z"])
  }

  @Test(
    "Without a date that is far off nothing is sent again",
    arguments: [
      [], ["Date: Fri, 24 May 2013 00:04:59 GMT"], ["Date: tomorrow"], ["Date: Fri, 24 Mai 2013 00:20:00 GMT"],
    ])
  func noDate(fields: [String]) async throws {
    let transport = ScriptedTransport(error(skewed, 403, fields))
    let sender = try sender(transport)
    #expect(await code { () async throws(S3Error) in try await sender.send(get) } == skewed)
    #expect(transport.requests.count == 1)
  }

  @Test("A request that took twenty minutes is no sign of a clock that is off")
  func slowBody() async throws {
    let clock = clock
    let transport = SlowTransport(error("AccessDenied", 403, [ahead])) { clock.advance(by: .seconds(1200)) }
    let sender = try sender(transport)
    #expect(await code { () async throws(S3Error) in try await sender.send(get) } == "AccessDenied")
    #expect(transport.sent.load(ordering: .relaxed) == 1)
  }

  @Test("Clock, region and keys may all be wrong at once, and no retry is spent on them")
  func everything() async throws {
    let transport = ScriptedTransport(
      error(skewed, 403, [ahead]), error("PermanentRedirect", 301, more: "<Region>us-west-2</Region>"),
      error("ExpiredToken", 400), .answer(200, [ahead]), .answer(200, [ahead]))
    let retrying = RetryingSender(try sender(transport, RotatingKeys("A", "B")), retry: RequestRetry(tries: 1))
    _ = try await retrying.send(get)
    _ = try await retrying.send(get)
    let last = try #require(transport.requests.last)
    #expect(transport.requests.count == 5)
    #expect(last.url == "https://bkt.s3.us-west-2.amazonaws.com/k")
    #expect(last.value("x-amz-security-token") == "token-B")
    #expect(last.value("x-amz-date") == "20130524T002000Z")
  }
}

private final class SlowTransport: HTTPSender {
  let sent = Atomic<Int>(0)
  private let answer: Result<HTTPResponse, HTTPTransportError>
  private let meanwhile: @Sendable () -> Void

  init(_ answer: Result<HTTPResponse, HTTPTransportError>, meanwhile: @escaping @Sendable () -> Void) {
    self.answer = answer
    self.meanwhile = meanwhile
  }

  func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    sent.add(1, ordering: .relaxed)
    meanwhile()
    return try answer.get()
  }
}

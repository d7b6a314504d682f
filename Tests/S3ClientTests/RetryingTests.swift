import HTTPTransport
import SlipwayModel
import Synchronization
import Testing

@testable import S3Client

@Suite("Requests that are sent again") struct RetryingTests {
  @Test("What may pass is sent again, what is refused is not")
  func classes() {
    #expect(RequestRetry.classify(error(500, "InternalError")) == .transient)
    #expect(RequestRetry.classify(error(0, "ConnectionLost")) == .transient)
    #expect(RequestRetry.classify(error(503, "SlowDown")) == .throttled)
    #expect(RequestRetry.classify(error(503, "HTTP503")) == .throttled)
    #expect(RequestRetry.classify(error(429, "HTTP429")) == .throttled)
    #expect(RequestRetry.classify(error(403, "AccessDenied", .blocked)) == nil)
    #expect(RequestRetry.classify(error(400, "InvalidRequest", .permanent)) == nil)
    for code in [Failure.sourceChanged, "SourceUnreadable", "Cancelled", "ShutDown"] {
      #expect(RequestRetry.classify(error(0, code)) == nil)
    }
  }

  @Test("Waits double from 50 ms, after throttling from 1 s, up to 20 s, times the jitter")
  func waits() {
    let retry = RequestRetry(tries: 30)
    let lost = error(0, "ConnectionLost")
    let slow = error(503, "SlowDown")
    #expect(
      (1...4).map { retry.wait(after: lost, failed: $0, jitter: 1) }
        == [50, 100, 200, 400].map { .milliseconds($0) })
    #expect((1...3).map { retry.wait(after: slow, failed: $0, jitter: 1) } == [1, 2, 4].map { .seconds($0) })
    #expect(retry.wait(after: slow, failed: 25, jitter: 1) == .seconds(20))
    #expect(retry.wait(after: slow, failed: 1, jitter: 0.5) == .milliseconds(500))
    #expect(retry.wait(after: slow, failed: 1, jitter: 0) == .zero)
  }

  @Test("Retry-After is kept, and one that is too long is left to the run")
  func retryAfter() {
    let retry = RequestRetry()
    #expect(retry.wait(after: asked(.seconds(7)), failed: 1, jitter: 0) == .seconds(7))
    #expect(retry.wait(after: asked(.seconds(31)), failed: 1, jitter: 0) == nil)
  }

  @Test("So many tries and no more; the last error is told")
  func tries() async {
    let sender = ScriptedSender { count in .failure(self.error(500, "InternalError\(count)")) }
    let waits = Mutex<[Duration]>([])
    let retrying = RetryingSender(sender, retry: RequestRetry(tries: 3)) { wait in waits.withLock { $0.append(wait) } }
    let failure = await #expect(throws: S3Error.self) { try await retrying.send(self.request) }
    #expect(failure?.code == "InternalError3")
    #expect(sender.sent == 3)
    #expect(waits.withLock { $0.count } == 2)
  }

  @Test("A request that goes well the second time is answered")
  func recovers() async throws {
    let sender = ScriptedSender { $0 == 1 ? .failure(self.error(503, "SlowDown")) : .success(200) }
    let retrying = RetryingSender(sender) { _ in }
    #expect(try await retrying.send(request).status == 200)
    #expect(sender.sent == 2)
  }

  @Test("When the budget is used up, requests fail at once, and a success at first try gives one token back")
  func budget() async throws {
    let isDown = Mutex(true)
    let sender = ScriptedSender { _ in
      isDown.withLock { $0 } ? .failure(self.error(0, "ConnectionLost")) : .success(200)
    }
    let retrying = RetryingSender(sender, retry: RequestRetry(tries: 100)) { _ in }
    await #expect(throws: S3Error.self) { try await retrying.send(self.request) }
    // 500 tokens at 14 each.
    #expect(sender.sent == 1 + 35)
    await #expect(throws: S3Error.self) { try await retrying.send(self.request) }
    #expect(sender.sent == 37)
    isDown.withLock { $0 = false }
    for _ in 0..<4 { _ = try await retrying.send(request) }
    isDown.withLock { $0 = true }
    // 10 tokens were left, and 4 have come back.
    await #expect(throws: S3Error.self) { try await retrying.send(self.request) }
    #expect(sender.sent == 37 + 4 + 2)
  }

  @Test("A cancelled wait ends with the error of the last try")
  func cancelled() async {
    let sender = ScriptedSender { _ in .failure(self.error(500, "InternalError")) }
    let retrying = RetryingSender(sender) { _ in throw CancellationError() }
    let failure = await #expect(throws: S3Error.self) { try await retrying.send(self.request) }
    #expect(failure?.code == "InternalError")
    #expect(sender.sent == 1)
  }

  private let request = S3Request(.get, ObjectKey("k"), operation: "read")

  private func asked(_ wait: Duration) -> S3Error { error(503, "SlowDown", .transient(retryAfter: wait)) }

  private func error(_ status: Int, _ code: String, _ kind: Failure.Kind = .transient(retryAfter: nil)) -> S3Error {
    S3Error(Failure(kind, "read", "s3://b/k", code: code, cause: "no"), status: status)
  }
}

/// Answers by the number of the request, from 1.
private final class ScriptedSender: RequestSender {
  private let count = Mutex(0)
  private let answer: @Sendable (Int) -> Result<Int, S3Error>

  init(_ answer: @escaping @Sendable (Int) -> Result<Int, S3Error>) {
    self.answer = answer
  }

  var sent: Int { count.withLock { $0 } }

  func send(_ request: S3Request) async throws(S3Error) -> HTTPResponse {
    let number = count.withLock { count in
      count += 1
      return count
    }
    let status = try answer(number).get()
    return HTTPResponse(status: status, fields: HTTPResponseFields([]), body: [])
  }
}

import SlipwayModel
import Testing

@Suite("Waits between attempts")
struct RetryPolicyTests {
  private let policy = RetryPolicy(attempts: 8, backoff: .seconds(1) ... .seconds(300))

  @Test("The wait doubles up to the longest")
  func doubling() {
    let waits = (1...12).map { policy.wait(afterFailed: $0, jitter: 1) }
    #expect(waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map { .seconds($0) })
    #expect(policy.wait(afterFailed: .max, jitter: 1) == .seconds(300))
    #expect(policy.wait(afterFailed: 0, jitter: 1) == .seconds(1))
  }

  @Test("Jitter shortens it down to nothing")
  func jitter() {
    #expect(policy.wait(afterFailed: 4, jitter: 0) == .zero)
    #expect(policy.wait(afterFailed: 4, jitter: 0.5) == .seconds(4))
  }

  @Test("It is never shorter than the other side asked for")
  func retryAfter() {
    #expect(policy.wait(afterFailed: 1, jitter: 0, atLeast: .seconds(30)) == .seconds(30))
    #expect(policy.wait(afterFailed: 9, jitter: 1, atLeast: .seconds(30)) == .seconds(256))
  }

  @Test("A shortest wait of many years does not overflow")
  func extremes() {
    let years = Duration.seconds(86_400 * 365 * 100)
    let wait = RetryPolicy(attempts: 99, backoff: years...years).wait(afterFailed: 99, jitter: 1)
    // A Duration times a Double is rounded to a Double's precision.
    #expect(years - wait < .seconds(1))
  }
}

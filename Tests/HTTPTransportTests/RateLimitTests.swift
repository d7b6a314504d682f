import HTTPTransport
import Synchronization
import Testing

@Suite("A limit of rate") struct RateLimitTests {
  private let time = Time()

  private func limit(_ bytesPerSecond: Int64, within outer: RateLimit? = nil) -> RateLimit {
    RateLimit(bytesPerSecond: bytesPerSecond, within: outer, now: { [time] in time.now })
  }

  @Test(
    "Gives a burst, and from then on the rate, to the byte",
    arguments: [50_000, 1_000_000, 50 << 20, 1 << 32] as [Int64])
  func exact(rate: Int64) {
    let limit = limit(rate)
    var (taken, most) = (0, 0.0)
    for millisecond in 0...20_000 {
      time.set(Int64(millisecond) * 1_000_000)
      while case let count = limit.take(1 << 20), count > 0 { taken += count }
      most = max(most, Double(taken) - Double(rate) * Double(millisecond) / 1_000)
    }
    let due = Double(rate) * 20
    #expect(Double(taken) >= due && Double(taken) <= due * 1.02)
    #expect(most <= Double(rate) * (RateLimit.burst / .seconds(1)))
  }

  @Test("A slow rate gives no single bytes: a turn has a least size, and is waited for")
  func slow() {
    let limit = limit(512)
    #expect(limit.take(5_000) == RateLimit.turnSizes.lowerBound)
    #expect(limit.take(5_000) == 0)
    #expect(limit.delay(for: 5_000) == 2_000_000_000)
    time.set(1_500_000_000)
    #expect(limit.take(5_000) == 0)
    #expect(limit.delay(for: 5_000) == 500_000_000)
    time.set(2_000_000_000)
    #expect(limit.delay(for: 5_000) == 0)
    #expect(limit.take(5_000) == 1_024)
  }

  @Test("The end of a file takes only what it needs")
  func rest() {
    let limit = limit(10_240)
    #expect(limit.take(1_000) == 1_000)
    #expect(limit.take(24) == 24)
    #expect(limit.take(1) == 0)
    #expect(limit.delay(for: 1) == 97_657)
  }

  @Test("A whole body may go ahead of its time, and the next one waits for it, too")
  func whole() {
    let limit = limit(100_000)
    #expect(limit.takeAll(60_000))
    #expect(!limit.takeAll(1))
    time.set(500_000_000)
    #expect(!limit.takeAll(1))
    time.set(550_000_000)
    #expect(limit.takeAll(60_000))
    #expect(limit.delay(for: 60_000) == 600_000_000)
  }

  @Test("What is idle saves no more than a burst")
  func idle() {
    let limit = limit(1_000_000)
    time.set(3_600_000_000_000)
    var taken = 0
    while case let count = limit.take(1 << 20), count > 0 { taken += count }
    #expect(taken == 100_000)
  }

  @Test("Of two limits both hold, and what goes under the inner one counts under the outer one")
  func nested() {
    let outer = limit(100_000)
    let (inner, other) = (limit(1_000_000, within: outer), limit(40_000, within: outer))
    var taken = 0
    while case let count = inner.take(1 << 20), count > 0 { taken += count }
    #expect(taken == 10_000)
    #expect(other.take(1) == 0 && outer.take(1) == 0)
    time.set(1_000_000_000)
    taken = 0
    while case let count = other.take(1 << 20), count > 0 { taken += count }
    #expect(taken == 4_000)
    #expect(outer.takeAll(6_000) && !outer.takeAll(1))
  }
}

/// A clock that a test sets.
final class Time: Sendable {
  private let value = Atomic<Int64>(0)
  var now: Int64 { value.load(ordering: .sequentiallyConsistent) }
  func set(_ nanoseconds: Int64) { value.store(nanoseconds, ordering: .sequentiallyConsistent) }
  /// Goes on by a step with each look at it.
  func ticking(_ step: Int64) -> Int64 { value.wrappingAdd(step, ordering: .sequentiallyConsistent).newValue }
}

import Glibc
import Synchronization

/// So many bytes a second for all that is sent under it: a bucket of tokens, a byte each, that fills with the time.
///
/// A body in memory goes out at once, and may take more than there is; then whoever comes next waits for that, too. So
/// the rate is kept exactly in the long run, and never more than a burst and one such body above it. Any thread.
package final class RateLimit: Sendable {
  private struct Bucket {
    /// Below zero: what has been taken ahead of its time.
    var tokens: Double
    var filled: Int64
  }

  /// What may go out at once after a pause, as a time at the full rate. Also how late a waiting transfer may be woken
  /// without losing anything.
  package static let burst = Duration.milliseconds(100)
  /// What a transfer takes at once while others wait, as a time at the full rate; then it is the next one's turn.
  package static let turn = Duration.milliseconds(50)
  /// Whatever the rate, in bytes: no less, so that a slow one does not send single bytes, and no more, so that a fast
  /// one is smooth.
  package static let turnSizes = 1 << 10...64 << 10

  private let bytesPerSecond: Double
  private let capacity: Double
  private let turnSize: Int
  private let outer: RateLimit?
  private let now: @Sendable () -> Int64
  private let bucket: Mutex<Bucket>

  /// What is sent under this limit also counts under `outer`. `now` is a clock that does not go back, in nanoseconds.
  package init(
    bytesPerSecond: Int64, within outer: RateLimit? = nil, now: @escaping @Sendable () -> Int64 = monotonicNanoseconds
  ) {
    let rate = Double(max(1, bytesPerSecond))
    let own = Int(min(rate * (Self.turn / .seconds(1)), Double(Self.turnSizes.upperBound)))
    self.bytesPerSecond = rate
    self.outer = outer
    self.now = now
    turnSize = min(max(own, Self.turnSizes.lowerBound), outer?.turnSize ?? .max)
    capacity = max(rate * (Self.burst / .seconds(1)), Double(turnSize))
    bucket = Mutex(Bucket(tokens: capacity, filled: now()))
  }

  /// Takes a turn's share of `wanted` bytes; 0 if it is not there yet.
  package func take(_ wanted: Int) -> Int {
    let share = min(wanted, turnSize)
    guard missing(for: share) <= 0 else { return 0 }
    charge(share)
    return share
  }

  /// Takes all of `count` bytes, ahead of their time if need be; false, and nothing is taken, if not even a turn's
  /// share is there.
  package func takeAll(_ count: Int) -> Bool {
    guard missing(for: min(count, turnSize)) <= 0 else { return false }
    charge(count)
    return true
  }

  /// Takes what goes out without having waited.
  package func charge(_ count: Int) {
    withTokens { $0 -= Double(count) }
    outer?.charge(count)
  }

  /// How long it is, in nanoseconds, until a share of `wanted` bytes is there, if nobody else takes anything.
  package func delay(for wanted: Int) -> Int64 {
    Int64(max(0, missing(for: min(wanted, turnSize))).rounded(.up))
  }

  /// In nanoseconds, over both limits.
  private func missing(for share: Int) -> Double {
    let own = withTokens { (Double(share) - $0) / bytesPerSecond * 1e9 }
    return max(own, outer?.missing(for: share) ?? own)
  }

  private func withTokens<Value>(_ body: (inout Double) -> Value) -> Value {
    let time = now()
    return bucket.withLock { bucket in
      // Another thread may have been here with a later time.
      let elapsed = max(0, time - bucket.filled)
      bucket.filled += elapsed
      bucket.tokens = min(capacity, bucket.tokens + Double(elapsed) * bytesPerSecond / 1e9)
      return body(&bucket.tokens)
    }
  }
}

/// CLOCK_MONOTONIC.
package func monotonicNanoseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Sends what it is given under a limit of rate.
package struct LimitedSender: HTTPSender {
  private let sender: any HTTPSender
  private let limit: RateLimit

  package init(_ sender: any HTTPSender, limit: RateLimit) {
    self.sender = sender
    self.limit = limit
  }

  package func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    var request = request
    request.rateLimit = limit
    return try await sender.send(request)
  }
}

import HTTPTransport
import SlipwayModel
import Synchronization

/// The clock by which requests are signed: this machine's, as long as no server has shown it to be off. Any thread.
final class ServerClock: Sendable {
  /// A server's clock that is nearer than this agrees; S3 takes signatures up to fifteen minutes off.
  static let tolerance = Duration.seconds(300)

  let local: @Sendable () -> Timestamp
  private let nanoseconds = Atomic<Int64>(0)

  init(_ local: @escaping @Sendable () -> Timestamp) {
    self.local = local
  }

  /// What is added to this machine's clock.
  var offset: Duration { .nanoseconds(nanoseconds.load(ordering: .relaxed)) }

  /// How far the server that gave this answer is ahead of this machine's clock; nil where the answer has no date, or
  /// one that `offset` agrees with. The date is compared with the time of the answer: the body may have taken hours.
  func skew(of answer: HTTPResponse, from offset: Duration) -> Duration? {
    guard let date = answer.fields.value("date").flatMap({ Timestamp(httpDate: $0) }) else { return nil }
    let ahead = date - local()
    return Self.agree(ahead, offset) ? nil : ahead
  }

  /// Keeps `offset` for later requests, and returns it; one that is small enough is none.
  func set(_ offset: Duration) -> Duration {
    let kept = Self.agree(offset, .zero) ? .zero : offset
    nanoseconds.store(kept.nanoseconds, ordering: .relaxed)
    return kept
  }

  /// After a success: this machine's clock counts again once it is right.
  func heed(_ answer: HTTPResponse) {
    guard let date = answer.fields.value("date").flatMap({ Timestamp(httpDate: $0) }) else { return }
    if Self.agree(date - local(), .zero) { nanoseconds.store(0, ordering: .relaxed) }
  }

  private static func agree(_ one: Duration, _ other: Duration) -> Bool {
    let between = one - other
    return between <= tolerance && .zero - between <= tolerance
  }
}

import SlipwayModel

/// Whether one request is sent again, and after what wait. Pure.
///
/// Seconds, in memory: what lasts longer is the run's matter. The figures are those of the AWS SDKs' standard mode
/// (AWS SDKs and Tools Reference Guide, "Retry behavior").
package struct RequestRetry: Sendable, Hashable {
  /// How a failure is paid for and waited after.
  enum Class: Sendable, Hashable {
    /// The request or its answer was lost, or the server had a fault.
    case transient
    /// The server asks for less.
    case throttled

    /// Before the first repetition; doubled each time.
    var base: Duration {
      switch self {
      case .transient: .milliseconds(50)
      case .throttled: .seconds(1)
      }
    }

    /// Of the budget's tokens.
    var cost: Int {
      switch self {
      case .transient: 14
      case .throttled: 5
      }
    }
  }

  /// The longest wait that is drawn; a server may ask for more.
  static let longestWait = Duration.seconds(20)
  /// A server that asks for a longer wait than this is left to the run, which can wait without holding a transfer.
  static let longestAsked = Duration.seconds(30)

  /// How often a request is sent at the most.
  package let tries: Int

  package init(tries: Int = 5) {
    self.tries = tries
  }

  /// What kind of failure it is; nil for one that another try would not change.
  static func classify(_ error: S3Error) -> Class? {
    guard case .transient = error.kind, !unrepeatable.contains(error.code) else { return nil }
    return throttling.contains(error.code) || error.status == 429 || error.status == 503 ? .throttled : .transient
  }

  /// The wait before the next try after `failed` ones; nil to give up. `jitter` lies in 0...1 ("full jitter").
  func wait(after error: S3Error, failed: Int, jitter: Double) -> Duration? {
    guard failed < tries, let kind = Self.classify(error) else { return nil }
    let doublings = min(max(0, failed - 1), 20)
    let drawn = min(kind.base * (1 << doublings), Self.longestWait) * jitter
    guard case .transient(let asked?) = error.kind else { return drawn }
    return asked > Self.longestAsked ? nil : max(drawn, asked)
  }

  /// The same request would carry the same wrong bytes, or nobody waits for it any more.
  private static let unrepeatable: Set<String> = [
    Failure.sourceChanged, "SourceUnreadable", "Cancelled", "ShutDown", "ResponseTooLarge", "NotHTTP",
  ]

  private static let throttling: Set<String> = [
    "BandwidthLimitExceeded", "RequestLimitExceeded", "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling",
    "ThrottlingException", "TooManyRequests", "TooManyRequestsException",
  ]
}

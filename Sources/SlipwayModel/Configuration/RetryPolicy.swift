/// `retry:` of a workflow: how often a run is tried, and how long it waits between.
public struct RetryPolicy: Sendable, Hashable {
  /// At least 1.
  public var attempts: Int
  /// The shortest and the longest wait between two attempts.
  public var backoff: ClosedRange<Duration>
  /// How long a hook's exit code 75 defers a run.
  public var deferral: Duration

  public init(
    attempts: Int = 8, backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(300),
    deferral: Duration = .seconds(60)
  ) {
    self.attempts = attempts
    self.backoff = backoff
    self.deferral = deferral
  }

  /// The wait after `failed` attempts: the shortest, doubled each time up to the longest, times `jitter` in 0...1
  /// ("full jitter"), but never less than the other side asked for.
  public func wait(afterFailed failed: Int, jitter: Double, atLeast: Duration? = nil) -> Duration {
    var ceiling = backoff.lowerBound
    var doublings = failed - 1
    while doublings > 0, ceiling > .zero, ceiling < backoff.upperBound {
      ceiling = min(ceiling * 2, backoff.upperBound)
      doublings -= 1
    }
    return max(ceiling * jitter, atLeast ?? .zero)
  }
}

import SlipwayModel

private enum RetryKey: String, CaseIterable {
  case attempts
  case backoff
  case deferral = "defer"
}

/// The bounds of `retry:`.
enum RetryLimits {
  static let attempts = 1...1000
  static let backoff: ClosedRange<Duration> = .milliseconds(1) ... .seconds(7 * 86_400)
  static let deferral: ClosedRange<Duration> = .milliseconds(1) ... .seconds(30 * 86_400)
}

extension RetryPolicy {
  /// What is missing or wrong keeps its default.
  init(decoding node: Node, named mark: Mark, _ context: DecodingContext) {
    self.init()
    guard let reader = MappingReader<RetryKey>(node, named: mark, context) else { return }
    if let number = reader[.attempts].flatMap({ context.integer($0, in: RetryLimits.attempts) }) { attempts = number }
    if let range = reader[.backoff].flatMap({ context.durationRange($0, in: RetryLimits.backoff) }) { backoff = range }
    if let time = reader[.deferral].flatMap({ context.duration($0, in: RetryLimits.deferral) }) { deferral = time }
  }
}

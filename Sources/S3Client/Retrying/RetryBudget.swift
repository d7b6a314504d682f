import Synchronization

/// What repetitions may cost over all requests of a client: when a server is down, they end soon and fail fast instead
/// of multiplying its load. Any thread.
package final class RetryBudget: Sendable {
  /// Tokens at the start, and at the most.
  package static let capacity = 500

  private let tokens = Mutex(RetryBudget.capacity)

  package init() {}

  /// Pays for one repetition; false if there is not enough left.
  func take(_ cost: Int) -> Bool {
    tokens.withLock { tokens in
      guard tokens >= cost else { return false }
      tokens -= cost
      return true
    }
  }

  /// For a repetition that went well: its cost. For a first try that went well: one.
  func giveBack(_ count: Int) {
    tokens.withLock { $0 = min(Self.capacity, $0 + count) }
  }
}

import SlipwayModel
import Synchronization

/// What went wrong in one attempt, over all its files and destinations; written by many tasks.
final class AttemptTally: Sendable {
  fileprivate struct State {
    var failures = 0
    var messages: [String] = []
    var hasRetryable = false
    var hasBlocked = false
    var retryAfter: Duration?
    var inARow: [DestinationName: Int] = [:]
    var closed: Set<DestinationName> = []
    var fatal: Failure?
    var sent = 0
    var found = 0
  }

  /// So many failures that may go away by themselves, one after the other, and a destination is given up for this
  /// attempt: it is not there.
  static let failuresInARow = 16
  /// So many messages stand in the run's error; all of them stand in the ledger and the log.
  static let messageLimit = 3

  private let state = Mutex(State())

  /// Counts a file that a destination holds, whether it was sent or lay there already.
  func delivered(to destination: DestinationName, isSent: Bool) {
    state.withLock {
      if isSent { $0.sent += 1 } else { $0.found += 1 }
      // Mostly nothing has failed, and there is nothing to look up.
      if !$0.inARow.isEmpty { $0.inARow[destination] = 0 }
    }
  }

  /// Counts a failure; of one destination, or of the tree's own file for all of them (nil).
  func failed(_ failure: Failure, at destination: DestinationName?) {
    state.withLock { state in
      state.note(failure.message)
      switch failure.kind {
      case .permanent: break
      case .fatal: state.fatal = failure
      case .blocked:
        state.hasBlocked = true
        if let destination { state.closed.insert(destination) }
      case .transient(let retryAfter):
        state.hasRetryable = true
        if let retryAfter { state.retryAfter = max(state.retryAfter ?? .zero, retryAfter) }
        if let destination, failure.code != Failure.sourceChanged { state.countInARow(destination) }
      }
    }
  }

  /// Whether nothing more is sent to the destination in this attempt.
  func isClosed(_ destination: DestinationName) -> Bool {
    state.withLock { $0.closed.contains(destination) }
  }

  var fatal: Failure? { state.withLock { $0.fatal } }
  var sent: Int { state.withLock { $0.sent } }
  var found: Int { state.withLock { $0.found } }

  /// What the errors mean together; nil if there were none.
  var verdict: (message: String, error: AttemptError)? {
    state.withLock { state in
      guard state.failures > 0 else { return nil }
      if state.hasRetryable { return (state.summary, .retryable(retryAfter: state.retryAfter)) }
      return (state.summary, state.hasBlocked ? .blocked : .permanent)
    }
  }
}

extension AttemptTally.State {
  fileprivate mutating func note(_ message: String) {
    failures += 1
    if messages.count < AttemptTally.messageLimit, !messages.contains(message) { messages.append(message) }
  }

  fileprivate mutating func countInARow(_ destination: DestinationName) {
    inARow[destination, default: 0] += 1
    if inARow[destination, default: 0] >= AttemptTally.failuresInARow { closed.insert(destination) }
  }

  fileprivate var summary: String {
    let rest = failures - messages.count
    return messages.joined(separator: "; ") + (rest > 0 ? "; and \(rest) more" : "")
  }
}

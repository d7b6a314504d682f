import SlipwayModel
import Synchronization

/// What went wrong in one attempt, over all its files and destinations; written by many tasks.
final class AttemptTally: Sendable {
  fileprivate struct State {
    var failures = 0
    var messages: [String] = []
    /// A file of the tree failed by itself, and may go well later.
    var hasRetryableFile = false
    /// The longest wait that each destination asked for where something may go well later.
    var retryable: [DestinationName: Duration] = [:]
    var hasBlocked = false
    /// The destinations that are out.
    var out: Set<DestinationName> = []
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

  /// nil where a destination that is out is not waited for.
  private let gate: OutageGate?
  private let state = Mutex(State())

  init(_ gate: OutageGate? = nil) {
    self.gate = gate
  }

  /// The destination has taken the manifest, which is none of the tree's files.
  func committed(to destination: DestinationName) { gate?.delivered(to: destination) }

  /// Counts a file that a destination holds, whether it was sent or lay there already. Only what was sent shows that the
  /// destination takes files.
  func delivered(to destination: DestinationName, isSent: Bool) {
    if isSent { gate?.delivered(to: destination) }
    state.withLock {
      if isSent { $0.sent += 1 } else { $0.found += 1 }
      // Mostly nothing has failed, and there is nothing to look up.
      if !$0.inARow.isEmpty { $0.inARow[destination] = 0 }
    }
  }

  /// Counts a failure; of one destination, or of the tree's own file for all of them (nil). Returns whether the
  /// destination is out: that is told elsewhere, once for all.
  @discardableResult
  func failed(_ failure: Failure, at destination: DestinationName?) -> Bool {
    let isOut = destination.map { gate?.failed(failure, at: $0) ?? false } ?? false
    state.withLock { $0.failed(failure, at: destination, isOut: isOut) }
    return isOut
  }

  /// Counts what forbids to go on, and is no destination's and no file's fault.
  func note(_ failure: Failure) { failed(failure, at: nil) }

  /// Counts that a destination took the files and then could not make them durable. It is there, so it is not out.
  func unsettled(_ failure: Failure, at destination: DestinationName) {
    state.withLock { $0.failed(failure, at: destination, isOut: false) }
  }

  /// Whether nothing more is sent to the destination in this attempt.
  func isClosed(_ destination: DestinationName) -> Bool {
    state.withLock { $0.closed.contains(destination) }
  }

  /// Whether what is to be sent to the destination is left out; if it is out, the attempt ends by that.
  func leavesOut(_ destination: DestinationName) -> Bool {
    if isClosed(destination) { return true }
    guard let why = gate?.reasonToWait(for: destination) else { return false }
    state.withLock { $0.leaveOut(destination, why) }
    return true
  }

  var fatal: Failure? { state.withLock { $0.fatal } }
  var sent: Int { state.withLock { $0.sent } }
  var found: Int { state.withLock { $0.found } }
  /// The destinations that something was not sent to because they are out.
  var out: Set<DestinationName> { state.withLock { $0.out } }

  /// What the errors mean together; nil if there were none.
  var verdict: (message: String, error: AttemptError)? {
    state.withLock { $0.failures > 0 ? ($0.summary, $0.error) : nil }
  }
}

extension AttemptTally.State {
  fileprivate mutating func failed(_ failure: Failure, at destination: DestinationName?, isOut: Bool) {
    note(failure.message)
    switch failure.kind {
    case .permanent: break
    case .fatal: fatal = failure
    case .blocked:
      hasBlocked = true
      if let destination { close(destination, isOut: isOut) }
    case .transient(let retryAfter):
      guard let destination, !failure.isOfSource else {
        hasRetryableFile = true
        return
      }
      retryable[destination] = max(retryable[destination] ?? .zero, retryAfter ?? .zero)
      if isOut { close(destination, isOut: true) } else { countInARow(destination) }
    }
  }

  fileprivate mutating func leaveOut(_ destination: DestinationName, _ why: String) {
    // Another worker may have come here first.
    guard !closed.contains(destination) else { return }
    note(why)
    close(destination, isOut: true)
  }

  private mutating func close(_ destination: DestinationName, isOut: Bool) {
    closed.insert(destination)
    guard isOut else { return }
    hasBlocked = true
    out.insert(destination)
  }

  private mutating func note(_ message: String) {
    failures += 1
    if messages.count < AttemptTally.messageLimit, !messages.contains(message) { messages.append(message) }
  }

  private mutating func countInARow(_ destination: DestinationName) {
    inARow[destination, default: 0] += 1
    if inARow[destination, default: 0] >= AttemptTally.failuresInARow { closed.insert(destination) }
  }

  /// What failed before a destination was out is part of that.
  fileprivate var error: AttemptError {
    let counted = retryable.filter { !out.contains($0.key) }
    if hasRetryableFile || !counted.isEmpty {
      let longest = counted.values.max() ?? .zero
      return .retryable(retryAfter: longest > .zero ? longest : nil)
    }
    return hasBlocked ? .blocked : .permanent
  }

  fileprivate var summary: String {
    let rest = failures - messages.count
    return messages.joined(separator: "; ") + (rest > 0 ? "; and \(rest) more" : "")
  }
}

import SlipwayModel

/// The runs that wait for their time. Pure.
struct WaitingRuns {
  /// Under `--once` a run that a hook defers is left to the next process.
  let leavesDeferred: Bool
  private var waits: [RunID: (run: Run, wait: RunState.Waiting)] = [:]

  init(leavesDeferred: Bool) {
    self.leavesDeferred = leavesDeferred
  }

  var count: Int { waits.count }

  /// Whether a run waits that has not been deferred: such a run is worked to its end.
  var holdRetry: Bool { waits.values.contains { !$0.wait.isDeferral } }

  /// When the first of them goes on, nil if none does in this process.
  var earliest: Timestamp? { waits.values.filter { isAwaited($0.wait) }.map(\.wait.until).min() }

  mutating func add(_ run: Run, _ wait: RunState.Waiting) {
    waits[run.id] = (run, wait)
  }

  mutating func remove(_ id: RunID) -> (run: Run, wait: RunState.Waiting)? { waits.removeValue(forKey: id) }

  /// Those that are wanted, whatever their time, oldest first; they wait no longer.
  mutating func take(where isWanted: (Run) -> Bool) -> [Run] {
    let wanted = waits.values.map(\.run).filter(isWanted)
    for run in wanted { waits[run.id] = nil }
    return wanted.sorted { $0.id < $1.id }
  }

  /// Those whose time has come, oldest first; they wait no longer.
  mutating func takeDue(at now: Timestamp) -> [Run] {
    let due = waits.values.filter { isAwaited($0.wait) && $0.wait.until <= now }.map(\.run)
    for run in due { waits[run.id] = nil }
    return due.sorted { $0.id < $1.id }
  }

  private func isAwaited(_ wait: RunState.Waiting) -> Bool {
    !(wait.isDeferral && leavesDeferred)
  }
}

import SlipwayModel

/// What an earlier process left, or an engine before this one.
extension Orchestrator {
  /// Before anything is taken in.
  func recover() async throws(Failure) {
    let left = LeftRuns(
      configuration: configuration, only: only, contexts: contexts, ports: ports, mode: mode, logger: logger)
    for (run, decision) in try await left.decide() {
      if decision != .leave { try takeUpFile(of: run) }
      if case .push(let trees) = mode, trees.contains(run.tree) { noteLeft(run) }
      switch decision {
      case .leave: continue
      case .enqueue: backlog.add(run)
      case .resume: backlog.resume(run)
      case .wait(let waiting): backlog.resume(run, after: waiting)
      case .abandon:
        backlog.abandon(run)
        failedTrees.insert(run.tree)
      }
    }
    setAlarm()
    pump()
  }
}

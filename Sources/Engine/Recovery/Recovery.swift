import SlipwayModel

/// What becomes of a run that an earlier process left. Pure.
enum RecoveryDecision: Equatable {
  /// Back to the queue.
  case enqueue
  /// On with the stage that its row names.
  case resume
  case wait(RunState.Waiting)
  /// It can never go on, for this reason.
  case abandon(String)
  /// Its workflow is not run by this process.
  case leave

  /// Whether what the run had sent may be gone: it was interrupted before its destinations had settled, and the
  /// machine has been started anew since.
  static func hasLostUnsettled(_ run: Run, machineStarted: Timestamp) -> Bool {
    let isUnsettled = run.stageToResume == .upload || run.stageToResume == .prepare
    return isUnsettled && run.updated < machineStarted
  }

  /// `isOnce`: a wait is over at once, whatever its time.
  static func make(
    for run: Run, configuration: Configuration, only: Set<WorkflowName>?, isOnce: Bool
  ) -> RecoveryDecision {
    guard let workflow = configuration.workflows.first(where: { $0.name == run.tree.workflow }) else {
      return .abandon("its workflow '\(run.tree.workflow)' is no longer in the file")
    }
    guard workflow.watch.contains(where: { $0.path == run.tree.watch }) else {
      return .abandon("the workflow '\(workflow.name)' no longer watches \(run.tree.watch)")
    }
    if let only, !only.contains(workflow.name) { return .leave }
    switch run.state {
    case .ready: return .enqueue
    case .waiting(let waiting): return isOnce ? .resume : .wait(waiting)
    default: return .resume
    }
  }
}

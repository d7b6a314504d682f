import SlipwayModel

/// Trees that are made ready by hand.
extension MarkerIntake {
  /// What the workflow has to do: its runs that are not over, and those of every tree that a scan finds ready or failed.
  /// A tree that failed is taken again, as it would be under `--once`.
  func takeAll(of workflow: Workflow) async throws(Failure) -> PushedRuns {
    await turn.acquire()
    defer { turn.release() }
    // In this turn nobody stands between the commit of a run and its place in the queue.
    let found = PushedTrees(joining: try await orchestrator.joinAll(of: workflow.name))
    push = found
    defer { push = nil }
    try await scanInTurn(workflow)
    return found.runs
  }

  /// A run for the tree: the one that it is in, or a new one, with its marker or without.
  func take(_ tree: TreeID) async throws(Failure) -> RunID {
    await turn.acquire()
    defer { turn.release() }
    if let run = try await orchestrator.join(tree) { return run }
    return try await make(tree)
  }

  /// The run has no marker of its own: what lies there when it begins is what it answers, and nothing there does not
  /// withdraw it. The marker that lies there now asks for no other run.
  private func make(_ tree: TreeID) async throws(Failure) -> RunID {
    let run = bench.run(of: tree, by: nil)
    var changes: [LedgerChange] = [.run(run)]
    let workflow = workflows.first { $0.name == tree.workflow }
    if let name = workflow?.intake.markerName, let marker = try ports.files.marker(at: tree.path.appending(name)) {
      changes.append(.answered(tree, marker.identity))
    }
    try await ports.ledger.commit(changes)
    await orchestrator.admit([run], isPushed: true)
    return run.id
  }
}

import SlipwayModel

/// Trees that are made ready by hand.
extension MarkerIntake {
  /// What the workflow has to do: its runs that are not over, and those of every tree that a scan finds ready or failed.
  /// A tree that failed is taken again, as it would be under `--once`.
  func takeAll(of workflow: Workflow) async throws(Failure) -> PushedRuns {
    await turn.acquire()
    defer { turn.release() }
    // In this turn nobody stands between the commit of a run and its place in the queue.
    pushing = PushedRuns(runs: try await orchestrator.joinAll(of: workflow.name))
    defer { pushing = nil }
    try await scanInTurn([workflow])
    return pushing ?? PushedRuns()
  }

  /// A run for each of the trees: the one that it is in, or a new one, with its marker or without.
  func take(_ trees: [TreeID]) async throws(Failure) -> PushedRuns {
    await turn.acquire()
    defer { turn.release() }
    var runs: [TreeID: RunID] = [:]
    var order: [RunID] = []
    for tree in trees where runs[tree] == nil {
      var run = try await orchestrator.join(tree)
      if run == nil { run = try await make(tree) }
      runs[tree] = run
      if let run { order.append(run) }
    }
    return PushedRuns(runs: order)
  }

  /// The run has no marker of its own: what lies there when it begins is what it answers, and nothing there does not
  /// withdraw it. The marker that lies there now asks for no other run.
  private func make(_ tree: TreeID) async throws(Failure) -> RunID {
    let run = Run(id: newID(), tree: tree, marker: nil, created: ports.clock.now())
    var changes: [LedgerChange] = [.run(run)]
    let workflow = workflows.first { $0.name == tree.workflow }
    if let name = workflow?.treeMarker, let marker = try ports.files.marker(at: tree.path.appending(name)) {
      changes.append(.answered(tree, marker.identity))
    }
    try await ports.ledger.commit(changes)
    await orchestrator.admit(run, isPushed: true)
    return run.id
  }
}

import Logging
import SlipwayModel

/// Trees that somebody wants delivered now, and waits for.
extension Orchestrator {
  /// Makes trees of a workflow ready now, each at its absolute path, and tells the runs that they are in then; for no
  /// paths, what the workflow has to do: what is ready, what waits, and what failed earlier and still lies there. A
  /// destination that is out uses up the attempts of such a run.
  ///
  /// Refused where the workflow is not run by this process, where it takes no further tree, or where a path lies under
  /// none of its watched directories. A process that ends by itself, or is ending, lets others join its runs, and begins
  /// none for them.
  public func push(_ workflow: WorkflowName, _ paths: [BytePath]) async throws(Failure) -> PushedRuns {
    try await begin()
    defer { end() }
    guard let context = contexts[workflow], let intakes else {
      throw mode == .service ? RunRefusal.notRunHere(workflow) : RunRefusal.ending
    }
    if context.workflow.isDryRun { throw RunRefusal.isDryRun("push", workflow) }
    var trees: [TreeID] = []
    for path in paths {
      guard let tree = context.workflow.tree(at: path) else { throw RunRefusal.notWatched(path, by: context.workflow) }
      trees.append(tree)
    }
    if mode != .service || isStopping { return try await joining(trees) }
    guard isOpen(workflow), backlog.letsBegin(workflow) else { throw RunRefusal.takesNothing(workflow) }
    return trees.isEmpty ? try await intakes.takeAll(of: context.workflow) : try await intakes.take(trees)
  }

  private func joining(_ trees: [TreeID]) async throws(Failure) -> PushedRuns {
    var runs: [RunID] = []
    for tree in trees {
      guard let run = try await joinable(tree) else { throw RunRefusal.ending }
      runs.append(run)
    }
    if runs.isEmpty { throw RunRefusal.ending }
    return PushedRuns(runs: runs)
  }

  /// The run that the tree is in. One that is stopping ends what is under way, and leaves the rest as it is.
  private func joinable(_ tree: TreeID) async throws(Failure) -> RunID? {
    guard let id = backlog.run(of: tree) else { return nil }
    if !isStopping { return id }
    // Its row is what is followed; one that tells its end is followed no more.
    guard tasks[id] != nil, try await ports.ledger.run(id)?.state.isFinal == false else { return nil }
    return id
  }

  /// What this process was started for.
  nonisolated func takeOwn(_ trees: [TreeID], _ intakes: Intakes) async throws(Failure) {
    guard let workflow = trees.first?.workflow else { return }
    // Those that an earlier process left are under way by now, or even over.
    let left = await leftTrees
    let missing = trees.filter { !left.contains($0) }
    if missing.isEmpty { return }
    if await isOpen(workflow) { return await note(try await intakes.take(missing)) }
    // A stop that came first leaves them as they are; else the marker that ends the intake lies there.
    if await !isStopping { await fail(RunRefusal.takesNothing(workflow)) }
  }

  /// The process may be over by then: nothing of the workflow may begin.
  private func fail(_ failure: Failure) {
    fatal = fatal ?? failure
    logger.critical("\(failure.message)")
  }

  private func note(_ runs: PushedRuns) { ownRuns += runs.runs }

  func noteLeft(_ run: Run) {
    ownRuns.append(run.id)
    leftTrees.insert(run.tree)
  }

  // MARK: For the intake

  /// The run that the tree is in, which goes on now if it waits; nil if it is in none.
  func join(_ tree: TreeID) async throws(Failure) -> RunID? {
    if let run = backlog.run(of: tree) { try await letGo([run]) }
    guard let id = backlog.run(of: tree) else { return nil }
    pushed.insert(id)
    try await record([id])
    try await hasten { $0.id == id }
    return id
  }

  /// The runs of a workflow that are not over; those that wait go on now.
  func joinAll(of workflow: WorkflowName) async throws(Failure) -> [RunID] {
    try await letGo(backlog.runs(of: workflow))
    let runs = backlog.runs(of: workflow)
    pushed.formUnion(runs)
    try await record(runs)
    try await hasten { $0.tree.workflow == workflow }
    return runs
  }

  /// A run's row tells its end before its task does: whoever has read there that it failed wants another one.
  func letGo(_ runs: [RunID]) async throws(Failure) {
    for id in runs {
      guard let task = tasks[id], try await ports.ledger.run(id)?.state.isFinal == true else { continue }
      await task.value
    }
  }

  /// Their rows say so before they do: whoever follows them can tell a new deferral from the old one.
  private func hasten(_ isWanted: (Run) -> Bool) async throws(Failure) {
    var runs = backlog.takeWaiting(where: isWanted)
    for index in runs.indices { runs[index].waitNoLonger(at: ports.clock.now()) }
    for run in runs { shared.outages?.left(run.id, isOver: true) }
    defer { for run in runs { backlog.goOn(run) } }
    for start in stride(from: 0, to: runs.count, by: IntakeBench.batchSize) {
      try await ports.ledger.commit(runs[start..<min(start + IntakeBench.batchSize, runs.count)].map { .run($0) })
    }
  }
}

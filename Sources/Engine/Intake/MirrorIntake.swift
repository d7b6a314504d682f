import Logging
import SlipwayModel

/// From changes in watched directories to runs that bring their mirrors up to date. Events say what has changed, and put
/// off the time at which it is looked at; a look at it decides whether there is anything to do.
actor MirrorIntake: UnmarkedIntake {
  private let contexts: [WorkflowContext]
  private let bench: IntakeBench
  private let walks: WalkQueue
  private let taker: TreeTaker
  private var batches = MirrorBatches()
  private var alarm = Alarm()
  private var completing: Set<WorkflowName> = []

  init(_ contexts: [WorkflowContext], _ bench: IntakeBench) {
    self.contexts = contexts
    self.bench = bench
    walks = WalkQueue(bench)
    taker = TreeTaker(bench)
  }

  private var ports: EnginePorts { bench.ports }
  private var board: MirrorBoard { bench.mirrors }

  func take(_ hints: [(BytePath, NameHint)]) async throws(Failure) {
    for context in contexts where !completing.contains(context.workflow.name) {
      for watch in context.workflow.watch {
        let tree = Self.tree(context.workflow, watch.path)
        var told: Set<BytePath> = []
        for (path, hint) in hints {
          guard let below = path.relative(to: watch.path) else { continue }
          // What is gone may have been a directory, of which the filter says nothing.
          if hint != .removed, await !takes(below, context) { continue }
          told.insert(below)
        }
        if told.isEmpty { continue }
        board.tell(tree, told.count > MirrorScope.partsMax ? .whole : .parts(told))
        touch(tree, context)
      }
    }
    setAlarm()
  }

  func lookAgain(at tree: TreeID) async throws(Failure) {
    if !bench.isOnce, board.hasTold(tree), let context = context(of: tree.workflow) { touch(tree, context) }
    await bench.orchestrator.hasLooked(at: tree)
    setAlarm()
    if let context = context(of: tree.workflow) { await closeIfComplete(context.workflow) }
  }

  func scan(_ workflow: Workflow) async throws(Failure) {
    guard let context = context(of: workflow.name) else { return }
    for watch in workflow.watch { try await lookAtAll(of: Self.tree(workflow, watch.path), context) }
  }

  func takeAll(of workflow: Workflow) async throws(Failure) -> PushedRuns {
    for watch in workflow.watch { try await acceptRoot(of: Self.tree(workflow, watch.path)) }
    let push = PushedTrees(joining: try await bench.orchestrator.joinAll(of: workflow.name))
    guard let context = context(of: workflow.name) else { return push.runs }
    for watch in workflow.watch { try await lookAtAll(of: Self.tree(workflow, watch.path), context, push) }
    return push.runs
  }

  func take(_ tree: TreeID) async throws(Failure) -> RunID {
    guard tree.name == .here else { throw RunRefusal.notAMirror(tree) }
    try await acceptRoot(of: tree)
    board.tell(tree, .whole)
    return try await taker.push(tree, identity())
  }

  private func acceptRoot(of tree: TreeID) async throws(Failure) {
    try await MirrorRoot(of: tree, ports.files, ports.ledger).accept()
  }

  func scanSoon(_ workflow: WorkflowName, _ watch: BytePath) {
    guard let context = context(of: workflow) else { return }
    walks.add(WalkQueue.Place(workflow: workflow, watch: watch)) { () throws(Failure) in
      try await self.lookAtAll(of: Self.tree(context.workflow, watch), context)
      await self.closeIfComplete(context.workflow)
    }
  }

  func complete(_ workflow: Workflow) {
    guard completing.insert(workflow.name).inserted else { return }
    for watch in workflow.watch { scanSoon(workflow.name, watch.path) }
  }

  func stop() async {
    alarm.cancel()
    await walks.stop()
  }

  private static func tree(_ workflow: Workflow, _ watch: BytePath) -> TreeID {
    TreeID(workflow: workflow.name, watch: watch, name: .here)
  }

  private func context(of workflow: WorkflowName) -> WorkflowContext? {
    contexts.first { $0.workflow.name == workflow }
  }

  private func closeIfComplete(_ workflow: Workflow) async {
    guard completing.contains(workflow.name), !walks.holds(workflow.name), !batches.holds(workflow.name),
      await !bench.orchestrator.owesLook(to: workflow.name), await bench.orchestrator.isOpen(workflow.name)
    else { return }
    await bench.orchestrator.closeIntake(of: workflow.name)
  }

  private func takes(_ name: BytePath, _ context: WorkflowContext) async -> Bool {
    do throws(Failure) {
      if case .taken = try context.selection.verdict(on: name) { return true }
    } catch {
      await bench.missed(error)
    }
    return false
  }

  // MARK: Time

  private func touch(_ tree: TreeID, _ context: WorkflowContext) {
    let time = context.workflow.intake.mirrorRule?.settleTime ?? MirrorRule.settleTimeDefault
    batches.touch(tree, now: ports.clock.now(), for: time)
  }

  private func setAlarm() {
    let executor = ports.fileExecutor
    alarm.set(for: batches.earliest, ports.clock) { now in
      await Task.detached(executorPreference: executor) { await self.ring(now) }.value
    }
  }

  private func ring(_ now: Timestamp) async {
    alarm.reset()
    do throws(Failure) {
      for tree in batches.takeDue(at: now) {
        guard let context = context(of: tree.workflow) else { continue }
        try await look(at: tree, context)
        await closeIfComplete(context.workflow)
      }
    } catch {
      await bench.orchestrator.stop(for: error)
    }
    setAlarm()
  }

  // MARK: Looking

  private func lookAtAll(
    of tree: TreeID, _ context: WorkflowContext, _ push: PushedTrees? = nil
  ) async throws(Failure) {
    board.tell(tree, .whole)
    try await look(at: tree, context, push)
  }

  /// Makes a run if anything that has been told is not as the ledger has it.
  private func look(
    at tree: TreeID, _ context: WorkflowContext, _ push: PushedTrees? = nil
  ) async throws(Failure) {
    guard let told = board.takeTold(tree) else { return }
    do throws(Failure) {
      let look = MirrorLook(context: context, ports: ports, openFiles: bench.openFiles)
      var isDue =
        context.workflow.isDryRun
        ? try await look.hasNews(tree, told, board.findings) : try await look.differs(tree, told)
      if !isDue, bench.isOnce || push != nil {
        isDue = try await ports.ledger.latestRun(of: tree)?.state == .failed
      }
      guard isDue else { return }
      board.tell(tree, told)
    } catch {
      board.tell(tree, told)
      if error.kind == .fatal { throw error }
      push?.missed()
      return await bench.missed(error)
    }
    try await taker.take([TreeTaker.Found(tree: tree, identity: identity())], push)
  }

  /// Stands where others have a marker, and is another one each time: what has been answered is no matter here.
  private func identity() -> MarkerIdentity {
    MarkerIdentity(inode: UInt64.random(in: .min ... .max), modified: ports.clock.now().nanoseconds)
  }
}

import Logging
import SlipwayModel

/// From entries of a watched directory in which nothing changes any more to ready trees. Events push the time at which an
/// entry is looked at; a walk of it decides, and its digest takes a marker's place.
actor SettledIntake: UnmarkedIntake {
  private let contexts: [WorkflowContext]
  private let bench: IntakeBench
  private let walks: WalkQueue
  private let taker: TreeTaker
  private var settling = Settling()
  private var alarm = Alarm()
  private var completing: Set<WorkflowName> = []
  /// Where it has been said that writers cannot be told.
  private var said: Set<BytePath> = []

  init(_ contexts: [WorkflowContext], _ bench: IntakeBench) {
    self.contexts = contexts
    self.bench = bench
    walks = WalkQueue(bench)
    taker = TreeTaker(bench)
  }

  private var ports: EnginePorts { bench.ports }

  func take(_ hints: [(BytePath, NameHint)]) async throws(Failure) {
    for context in contexts {
      for (path, _) in hints {
        for file in context.workflow.trees(at: path) where await takes(file.name, context) {
          touch(TreeID(workflow: file.workflow, watch: file.watch, name: file.name.firstComponent), context)
        }
      }
    }
    setAlarm()
  }

  func lookAgain(at tree: TreeID) async throws(Failure) {
    guard let context = context(of: tree.workflow) else { return }
    try await look(at: [tree], context)
    await bench.orchestrator.hasLooked(at: tree)
    setAlarm()
    await closeIfComplete(context.workflow)
  }

  func scan(_ workflow: Workflow) async throws(Failure) {
    guard let context = context(of: workflow.name) else { return }
    for watch in workflow.watch { try await walk(context, watch.path) }
    while let due = settling.earliest {
      do throws(CancellationError) { try await ports.clock.sleep(until: due) } catch { return }
      try await look(at: settling.takeDue(at: max(due, ports.clock.now())), context)
    }
  }

  func takeAll(of workflow: Workflow) async throws(Failure) -> PushedRuns {
    let push = PushedTrees(joining: try await bench.orchestrator.joinAll(of: workflow.name))
    guard let context = context(of: workflow.name) else { return push.runs }
    for watch in workflow.watch { try await walk(context, watch.path, push) }
    setAlarm()
    return push.runs
  }

  func take(_ tree: TreeID) async throws(Failure) -> RunID {
    guard tree.name != .here, tree.name.firstComponent == tree.name, let context = context(of: tree.workflow),
      let state = try TreeState.read(tree, context, ports)
    else { throw RunRefusal.notAnEntry(tree) }
    return try await taker.push(tree, state.digest.identity)
  }

  func scanSoon(_ workflow: WorkflowName, _ watch: BytePath) {
    guard let context = context(of: workflow) else { return }
    walks.add(WalkQueue.Place(workflow: workflow, watch: watch)) { () throws(Failure) in
      try await self.walk(context, watch)
      await self.hasWalked(context.workflow)
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

  private func context(of workflow: WorkflowName) -> WorkflowContext? {
    contexts.first { $0.workflow.name == workflow }
  }

  private func hasWalked(_ workflow: Workflow) async {
    setAlarm()
    await closeIfComplete(workflow)
  }

  /// What had begun to settle is waited for; what does not settle in that time is left out.
  private func closeIfComplete(_ workflow: Workflow) async {
    guard completing.contains(workflow.name), !walks.holds(workflow.name), !settling.holds(workflow.name),
      await !bench.orchestrator.owesLook(to: workflow.name), await bench.orchestrator.isOpen(workflow.name)
    else { return }
    await bench.orchestrator.closeIntake(of: workflow.name)
  }

  // MARK: Time

  /// Once the intake is about to end, what changes now is no longer waited for.
  private func touch(_ tree: TreeID, _ context: WorkflowContext) {
    if completing.contains(tree.workflow) { return }
    guard settling.hasRoom(for: tree) else { return scanSoon(tree.workflow, tree.watch) }
    settling.touch(tree, now: ports.clock.now(), for: context.settleTime)
  }

  private func setAlarm() {
    let executor = ports.fileExecutor
    alarm.set(for: settling.earliest, ports.clock) { now in
      await Task.detached(executorPreference: executor) { await self.ring(now) }.value
    }
  }

  private func ring(_ now: Timestamp) async {
    alarm.reset()
    let due = settling.takeDue(at: now)
    do throws(Failure) {
      for context in contexts {
        let trees = due.filter { $0.workflow == context.workflow.name }
        if trees.isEmpty { continue }
        try await look(at: trees, context)
        await closeIfComplete(context.workflow)
      }
    } catch {
      await bench.orchestrator.stop(for: error)
    }
    setAlarm()
  }

  // MARK: Trees

  private func takes(_ name: BytePath, _ context: WorkflowContext) async -> Bool {
    do throws(Failure) {
      if case .taken = try context.selection.verdict(on: name) { return name != .here }
    } catch {
      await bench.missed(error)
    }
    return false
  }

  private func walk(
    _ context: WorkflowContext, _ watch: BytePath, _ push: PushedTrees? = nil
  ) async throws(Failure) {
    let entries: EntryWalk
    do throws(Failure) {
      entries = try EntryWalk(context, watch, ports)
    } catch {
      push?.missed()
      return await bench.missed(error)
    }
    var batch: [(TreeID, TreeState)] = []
    while let entry = entries.next() {
      batch.append(entry)
      guard batch.count >= IntakeBench.batchSize else { continue }
      guard await bench.orchestrator.waitForRoom(for: context.workflow.name) else { return }
      try await take(batch, context, push: push)
      batch = []
    }
    if Task.isCancelled { return }
    try await take(batch, context, push: push)
    try await forgetGone(context.workflow, watch)
  }

  private func look(at trees: [TreeID], _ context: WorkflowContext) async throws(Failure) {
    var batch: [(TreeID, TreeState)] = []
    for tree in trees {
      do throws(Failure) {
        if let state = try TreeState.read(tree, context, ports) {
          batch.append((tree, state))
          continue
        }
      } catch {
        await bench.missed(error)
      }
      settling.settle(tree)
    }
    try await take(batch, context, isLast: bench.isOnce || completing.contains(context.workflow.name))
  }

  /// Takes in those that are quiet; the others are looked at again unless this was the last time.
  private func take(
    _ trees: [(TreeID, TreeState)], _ context: WorkflowContext, isLast: Bool = false, push: PushedTrees? = nil
  ) async throws(Failure) {
    let answered = try await ports.ledger.answeredMarkers(of: trees.map(\.0))
    var found: [TreeTaker.Found] = []
    for (tree, state) in trees {
      let identity = state.digest.identity
      if await !isWhole(state) {
        push?.missed()
        settling.settle(tree)
      } else if answered[tree] == identity {
        settling.settle(tree)
        if bench.isOnce || push != nil { found.append(TreeTaker.Found(tree: tree, identity: identity)) }
      } else if await isQuiet(tree, state, context) {
        settling.settle(tree)
        found.append(TreeTaker.Found(tree: tree, identity: identity))
      } else if isLast {
        settling.remove(tree)
        bench.logger.notice("left out \(tree.path): it is still being written")
      }
    }
    try await taker.take(found, push)
  }

  private func isWhole(_ state: TreeState) async -> Bool {
    for problem in state.problems { await bench.missed(problem) }
    return state.problems.isEmpty
  }

  private func isQuiet(_ tree: TreeID, _ state: TreeState, _ context: WorkflowContext) async -> Bool {
    let time = context.settleTime
    guard settling.isQuiet(tree, state, now: ports.clock.now(), for: time) else { return false }
    do throws(Failure) {
      var isUnknown = false
      let writer = try OpenWriter.first(in: tree.path, ports.files) { isUnknown = true }
      if isUnknown { sayOnce(tree.watch) }
      if writer == nil { return true }
    } catch {
      await bench.missed(error)
    }
    settling.touch(tree, now: ports.clock.now(), for: time)
    return false
  }

  private func sayOnce(_ watch: BytePath) {
    guard said.insert(watch).inserted else { return }
    bench.logger.notice(
      """
      of some files it cannot be told whether they are written (another user's, or a file system without leases): \
      they count as written when they have not changed for the settle time
      """, metadata: ["watch": "\(watch)"])
  }

  private func forgetGone(_ workflow: Workflow, _ watch: BytePath) async throws(Failure) {
    var pages = AnsweredPages(ports.ledger, workflow.name, watch)
    var trees: [TreeID] = []
    while let row = try await pages.take(before: nil) {
      trees.append(TreeID(workflow: workflow.name, watch: watch, name: row.name))
      if trees.count >= IntakeBench.batchSize { try await forget(&trees) }
    }
    try await forget(&trees)
  }

  private func forget(_ trees: inout [TreeID]) async throws(Failure) {
    try await taker.forget(trees) { [files = ports.files] tree in
      do throws(Failure) { _ = try files.walk(tree.path) } catch { return error.code == "ENOENT" }
      return false
    }
    trees = []
  }
}

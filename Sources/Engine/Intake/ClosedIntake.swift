import Logging
import SlipwayModel

/// From files that nobody writes any more to ready trees, a file each. An event says where to look; a walk, merged with
/// what the ledger knows, finds what no event told. The digest of a file's fingerprint takes a marker's place.
actor ClosedIntake: UnmarkedIntake {
  private let contexts: [WorkflowContext]
  private let bench: IntakeBench
  private let walks: WalkQueue
  private let taker: TreeTaker
  /// Files of which the kernel does not tell whether they are written, and that have not stood still long enough.
  private var unsettled = UnsettledMarkers()
  /// The workflows whose intake ends once all that is ready is in.
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

  /// Takes in the files among these that are closed. What there is no room for is left to a walk.
  func take(_ hints: [(BytePath, NameHint)]) async throws(Failure) {
    for context in contexts {
      let found = hints.filter { $0.1 != .removed }.flatMap { path, hint in
        context.workflow.trees(at: path).map { Candidate(tree: $0, hint: hint) }
      }
      for start in stride(from: 0, to: found.count, by: IntakeBench.batchSize) {
        let batch = found[start..<min(start + IntakeBench.batchSize, found.count)]
        if await bench.orchestrator.hasRoom(for: context.workflow.name) {
          try await look(at: Array(batch), context)
        } else {
          for watch in Set(batch.map(\.tree.watch)) { scanSoon(context.workflow.name, watch) }
        }
      }
    }
  }

  func lookAgain(at tree: TreeID) async throws(Failure) {
    guard let context = context(of: tree.workflow) else { return }
    try await look(at: [Candidate(tree: tree, hint: .found)], context)
    await bench.orchestrator.hasLooked(at: tree)
    await closeIfComplete(context.workflow)
  }

  func scan(_ workflow: Workflow) async throws(Failure) {
    guard let context = context(of: workflow.name) else { return }
    for watch in workflow.watch { try await walk(context, watch.path) }
    let paths = unsettled.beginLook()
    if paths.isEmpty { return }
    let end = ports.clock.now() + ReadyDecision.settleTime
    do throws(CancellationError) { try await ports.clock.sleep(until: end) } catch { return }
    let found = paths.flatMap { path in workflow.trees(at: path).map { Candidate(tree: $0, hint: .found) } }
    try await look(at: found, context)
    for path in unsettled.beginLook() { bench.logger.notice("left out \(path): it is still being written") }
  }

  func takeAll(of workflow: Workflow) async throws(Failure) -> PushedRuns {
    let push = PushedTrees(joining: try await bench.orchestrator.joinAll(of: workflow.name))
    guard let context = context(of: workflow.name) else { return push.runs }
    for watch in workflow.watch { try await walk(context, watch.path, push) }
    return push.runs
  }

  func take(_ tree: TreeID) async throws(Failure) -> RunID {
    guard let fingerprint = try ports.files.fingerprint(.here, in: tree.path) else { throw RunRefusal.notAFile(tree) }
    if case .skipped(let reason)? = try context(of: tree.workflow)?.selection.verdict(on: tree.name) {
      throw RunRefusal.leftOut(tree, by: reason)
    }
    return try await taker.push(tree, TreeDigest(of: fingerprint).identity)
  }

  func scanSoon(_ workflow: WorkflowName, _ watch: BytePath) {
    guard let context = context(of: workflow) else { return }
    walks.add(WalkQueue.Place(workflow: workflow, watch: watch)) { () throws(Failure) in
      try await self.walk(context, watch)
      await self.closeIfComplete(context.workflow)
    }
  }

  func complete(_ workflow: Workflow) {
    guard completing.insert(workflow.name).inserted else { return }
    for watch in workflow.watch { scanSoon(workflow.name, watch.path) }
  }

  func stop() async { await walks.stop() }

  private func context(of workflow: WorkflowName) -> WorkflowContext? {
    contexts.first { $0.workflow.name == workflow }
  }

  /// Nothing may be due any more: no walk, no look, no run about whose file something was told.
  private func closeIfComplete(_ workflow: Workflow) async {
    guard completing.contains(workflow.name), !walks.holds(workflow.name) else { return }
    if unsettled.holdsBack(workflow, where: { !workflow.trees(at: $0).isEmpty }) { return }
    guard await !bench.orchestrator.owesLook(to: workflow.name), await bench.orchestrator.isOpen(workflow.name) else {
      return
    }
    await bench.orchestrator.closeIntake(of: workflow.name)
  }

  // MARK: Walks

  /// Looks at every file below `watch` that is not as the ledger has it, and forgets those that are gone.
  private func walk(
    _ context: WorkflowContext, _ watch: BytePath, _ push: PushedTrees? = nil
  ) async throws(Failure) {
    let comparison: LedgerComparison
    do throws(Failure) {
      comparison = LedgerComparison(
        of: try ports.files.walk(watch), with: ports.ledger, context.workflow.name, watch,
        retakesFailed: bench.isOnce || push != nil)
    } catch {
      push?.missed()
      return await bench.missed(error)
    }
    var (found, gone): ([Candidate], [TreeID]) = ([], [])
    while let step = try await comparison.next() {
      switch step {
      case .changed(let name): if await takes(name, context) { found.append(candidate(context, watch, name)) }
      case .gone(let name): gone.append(candidate(context, watch, name).tree)
      case .unreadable(let failure):
        push?.missed()
        await bench.missed(failure)
      }
      if gone.count >= IntakeBench.batchSize { try await forget(&gone) }
      guard found.count >= IntakeBench.batchSize else { continue }
      guard await bench.orchestrator.waitForRoom(for: context.workflow.name) else { return }
      try await look(at: found, context, push)
      found = []
    }
    try await look(at: found, context, push)
    try await forget(&gone)
  }

  private func candidate(_ context: WorkflowContext, _ watch: BytePath, _ name: BytePath) -> Candidate {
    Candidate(tree: TreeID(workflow: context.workflow.name, watch: watch, name: name), hint: .found)
  }

  private func forget(_ trees: inout [TreeID]) async throws(Failure) {
    let gone = trees
    trees = []
    try await taker.forget(gone) { [files = ports.files] tree in
      // What cannot be told is not forgotten.
      do throws(Failure) { return try files.fingerprint(.here, in: tree.path) == nil } catch { return false }
    }
  }

  // MARK: Files

  private struct Candidate {
    let tree: TreeID
    let hint: NameHint
  }

  /// Whether filter and exclude leave it to be a tree at all.
  private func takes(_ name: BytePath, _ context: WorkflowContext) async -> Bool {
    // What lies deeper is none of a queue's.
    if context.workflow.intake.workingDirectory != nil, name.components.count > 1 { return false }
    do throws(Failure) {
      if case .taken = try context.selection.verdict(on: name) { return true }
    } catch {
      await bench.missed(error)
    }
    return false
  }

  private func look(
    at candidates: [Candidate], _ context: WorkflowContext, _ push: PushedTrees? = nil
  ) async throws(Failure) {
    var trees: [TreeTaker.Found] = []
    for candidate in candidates where await takes(candidate.tree.name, context) {
      if let identity = await closedState(of: candidate) {
        trees.append(TreeTaker.Found(tree: candidate.tree, identity: identity))
      }
    }
    try await taker.take(trees, push)
  }

  /// The digest of the file if it is as its writer wanted it; nil if there is none, or it is still being written.
  private func closedState(of candidate: Candidate) async -> MarkerIdentity? {
    let path = candidate.tree.path
    let state: FileState?
    do throws(Failure) {
      state = try ports.files.state(of: .here, in: path)
    } catch {
      await bench.missed(error)
      return nil
    }
    guard let state else { return nil }
    if state.isOpenForWriting == nil { sayOnce(candidate.tree.watch) }
    let now = ports.clock.now()
    let marker = unsettled.aged(
      MarkerState(
        identity: TreeDigest(of: state.fingerprint).identity, isOpenForWriting: state.isOpenForWriting, age: state.age),
      at: path, now: now)
    switch ReadyDecision.make(
      marker: marker, hint: candidate.hint, answered: nil, isQueued: false, waitsForWriters: true)
    {
    case .ready(let identity):
      bench.openFiles.forget(path)
      return identity
    case .written:
      bench.openFiles.leave(path)
      return nil
    case .lookAgain(let duration):
      lookAgain(at: path, marker, after: duration)
      return nil
    case .ignore, .alreadyQueued, .forget: return nil
    }
  }

  private func sayOnce(_ watch: BytePath) {
    guard said.insert(watch).inserted else { return }
    let seconds = ReadyDecision.settleTime.components.seconds
    bench.logger.notice(
      """
      of some files it cannot be told whether they are written (another user's, or a file system without leases): \
      they count as closed once an event says so, or when they have not changed for \(seconds) s
      """, metadata: ["watch": "\(watch)"])
  }

  private func lookAgain(at path: BytePath, _ marker: MarkerState, after duration: Duration) {
    let isFirst = unsettled.add(path, marker, now: ports.clock.now())
    if bench.isOnce || !isFirst { return }
    bench.after(duration) { () throws(Failure) in try await self.lookAtUnsettled() }
  }

  private func lookAtUnsettled() async throws(Failure) {
    try await take(unsettled.beginLook().map { ($0, .found) })
    unsettled.endLook()
    let heldBack = unsettled.takeHeldBack()
    for context in contexts where heldBack.contains(context.workflow.name) { await closeIfComplete(context.workflow) }
  }
}

extension Workflow {
  /// Whether each file is a tree and stays where it lies: also of a queue in a dry run, which claims nothing.
  var takesClosedFiles: Bool { intake == .closed || intake.workingDirectory != nil && isDryRun }

  /// Whether what it takes it moves first.
  var claims: Bool { intake.workingDirectory != nil && !isDryRun }
}

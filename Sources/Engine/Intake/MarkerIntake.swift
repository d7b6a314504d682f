import SlipwayModel

/// From marker files to ready trees: an event or a scan says where to look, the file that lies there decides.
actor MarkerIntake {
  let workflows: [Workflow]
  let bench: IntakeBench
  /// One at a time: between the look at a marker and the commit of what it means nobody else may look at it.
  let turn = Turns()
  /// The push that looks at the moment: it takes what failed again, and waits for no writer.
  var push: PushedTrees?
  private var unsettled = UnsettledMarkers()

  init(_ workflows: [Workflow], _ bench: IntakeBench) {
    self.workflows = workflows
    self.bench = bench
  }

  var ports: EnginePorts { bench.ports }
  var orchestrator: Orchestrator { bench.orchestrator }
  /// In the service a marker that is still being written is left until it is closed.
  private var waitsForWriters: Bool { !bench.isOnce && push == nil }
  /// Under `--once` a tree that failed earlier and still lies there is taken again.
  private var retakesFailed: Bool { bench.isOnce || push != nil }

  /// Takes in the trees whose markers are among these.
  func take(_ hints: [(BytePath, NameHint)]) async throws(Failure) {
    await turn.acquire()
    defer { turn.release() }
    try await look(at: hints)
  }

  /// Takes in every marker that lies in the workflow's directories, forgets those that do not.
  func scan(_ workflow: Workflow) async throws(Failure) {
    await turn.acquire()
    defer { turn.release() }
    try await scanInTurn(workflow)
  }

  func scanInTurn(_ workflow: Workflow) async throws(Failure) {
    for watch in workflow.watch where try await scan(workflow, watch.path) {
      try await forgetGoneInTurn(workflow, watch.path)
    }
  }

  /// A complete listing did not find these markers any more.
  func forgetGone(_ workflow: Workflow, _ watch: BytePath) async throws(Failure) {
    await turn.acquire()
    defer { turn.release() }
    try await forgetGoneInTurn(workflow, watch)
  }

  /// Takes in what is ready, and then ends the workflow's intake.
  func complete(_ workflow: Workflow) async throws(Failure) {
    await turn.acquire()
    defer { turn.release() }
    try await completeInTurn(workflow)
  }

  private func completeInTurn(_ workflow: Workflow) async throws(Failure) {
    // What was ready before may not have been told yet.
    for watch in workflow.watch { _ = try await scan(workflow, watch.path) }
    // Nor be known to be ready: then the end waits for that.
    if unsettled.holdsBack(workflow, where: { !workflow.trees(markedBy: $0).isEmpty }) { return }
    await orchestrator.closeIntake(of: workflow.name)
  }

  /// Takes in what lies below `watch`; false if it could not be listed to its end.
  private func scan(_ workflow: Workflow, _ watch: BytePath) async throws(Failure) -> Bool {
    guard let marker = workflow.intake.markerName else { return false }
    let search: any NameSearch
    do throws(Failure) {
      search = try ports.files.find([marker], in: watch)
    } catch {
      await missed(error)
      return false
    }
    while true {
      var batch: [(BytePath, NameHint)] = []
      while batch.count < IntakeBench.batchSize, let path = search.next() { batch.append((path, .found)) }
      if batch.isEmpty { break }
      try await look(at: batch)
    }
    for problem in search.problems { await missed(problem) }
    return !Task.isCancelled
  }

  private func missed(_ failure: Failure) async {
    push?.missed()
    await bench.missed(failure)
  }

  private func forgetGoneInTurn(_ workflow: Workflow, _ watch: BytePath) async throws(Failure) {
    guard let marker = workflow.intake.markerName else { return }
    var last: BytePath?
    while true {
      let trees = try await ports.ledger.answeredTrees(
        workflow.name, watch: watch, after: last, limit: IntakeBench.batchSize)
      guard let end = trees.last else { return }
      var changes: [LedgerChange] = []
      for tree in trees where await isGone(watch.appending(tree.name).appending(marker)) {
        changes.append(.answered(TreeID(workflow: workflow.name, watch: watch, name: tree.name), nil))
      }
      if !changes.isEmpty { try await ports.ledger.commit(changes) }
      last = end.name
    }
  }

  private func isGone(_ path: BytePath) async -> Bool {
    if case .known(nil) = await sight(of: path) { true } else { false }
  }

  // MARK: Markers

  private enum Sight {
    case known(MarkerState?)
    case unknown
  }

  private func sight(of path: BytePath) async -> Sight {
    do throws(Failure) {
      return .known(try ports.files.marker(at: path))
    } catch {
      await missed(error)
      return .unknown
    }
  }

  private func look(at marks: [(BytePath, NameHint)]) async throws(Failure) {
    var changes: [LedgerChange] = []
    var runs: [TreeID: Run] = [:]
    var order: [TreeID] = []
    for (path, hint) in marks {
      for workflow in workflows {
        for tree in workflow.trees(markedBy: path) where runs[tree] == nil {
          guard let run = try await take(tree, path, hint, &changes) else { continue }
          runs[tree] = run
          order.append(tree)
        }
      }
    }
    if !changes.isEmpty { try await ports.ledger.commit(changes) }
    for tree in order { if let run = runs[tree] { try await admit(run) } }
  }

  /// What the marker at `path` means for `tree`: its run if it is ready, in `changes` what is to be committed first.
  private func take(
    _ tree: TreeID, _ path: BytePath, _ hint: NameHint, _ changes: inout [LedgerChange]
  ) async throws(Failure) -> Run? {
    guard case .known(let found) = await sight(of: path) else { return nil }
    let marker = found.map { unsettled.aged($0, at: path, now: ports.clock.now()) }
    let answered = try await ports.ledger.answeredMarker(of: tree)
    switch ReadyDecision.make(
      marker: marker, hint: hint, answered: answered, isQueued: await orchestrator.isQueued(tree),
      waitsForWriters: waitsForWriters)
    {
    case .ignore:
      guard retakesFailed, let marker, try await hasFailed(tree) else { return nil }
      return await ready(tree, marker.identity, &changes)
    case .written: bench.openFiles.leave(path)
    case .lookAgain(let duration):
      if let marker { lookAgain(at: path, marker, after: duration) }
    case .alreadyQueued(let identity): changes.append(.answered(tree, identity))
    case .forget: changes.append(.answered(tree, nil))
    case .ready(let identity): return await ready(tree, identity, &changes)
    }
    return nil
  }

  private func admit(_ run: Run) async throws(Failure) {
    guard await orchestrator.wasTaken(run) else {
      push?.note([run.id])
      return await orchestrator.admit([run], isPushed: push != nil)
    }
    var run = run
    run.cancel("its marker was answered by another run", at: ports.clock.now())
    try await ports.ledger.commit([.run(run)])
  }

  /// In an earlier process: what this one could not do it does not try at once again.
  private func hasFailed(_ tree: TreeID) async throws(Failure) -> Bool {
    guard try await ports.ledger.latestRun(of: tree)?.state == .failed else { return false }
    if push != nil { return true }
    return await !orchestrator.hasTried(tree)
  }

  private func ready(_ tree: TreeID, _ marker: MarkerIdentity, _ changes: inout [LedgerChange]) async -> Run? {
    guard await orchestrator.isOpen(tree.workflow) else { return nil }
    let run = bench.run(of: tree, by: marker)
    changes += [.run(run), .answered(tree, marker)]
    return run
  }

  private func lookAgain(at path: BytePath, _ marker: MarkerState, after duration: Duration) {
    let isFirst = unsettled.add(path, marker, now: ports.clock.now())
    guard isFirst else { return }
    bench.after(duration) { () throws(Failure) in try await self.lookAgain() }
  }

  private func lookAgain() async throws(Failure) {
    await turn.acquire()
    defer { turn.release() }
    let paths = unsettled.beginLook()
    try await look(at: paths.map { ($0, .found) })
    unsettled.endLook()
    let heldBack = unsettled.takeHeldBack()
    for workflow in workflows where heldBack.contains(workflow.name) { try await completeInTurn(workflow) }
  }
}

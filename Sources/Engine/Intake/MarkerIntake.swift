import Logging
import SlipwayModel

/// From marker files to ready trees: an event or a scan says where to look, the file that lies there decides.
actor MarkerIntake {
  let workflows: [Workflow]
  let ports: EnginePorts
  let orchestrator: Orchestrator
  private let logger: Logger
  /// In the service a marker that is still being written is left to the event of its closing.
  private let waitsForWriters: Bool
  /// Under `--once` a tree that failed earlier and still lies there is taken again.
  private let retakesFailed: Bool
  private var unlisted: [WorkflowName: Set<BytePath>]
  /// One at a time: between the look at a marker and the commit of what it means nobody else may look at it.
  let turn = Turns()
  /// What a push has found so far, while it looks: it takes what failed again, and waits for no writer.
  var pushing: PushedRuns?
  private var unsettled = UnsettledMarkers()
  /// So many markers are looked at before what was found is committed.
  static let batchSize = 256

  init(
    workflows: [Workflow], ports: EnginePorts, orchestrator: Orchestrator, logger: Logger, isOnce: Bool
  ) {
    self.workflows = workflows
    self.ports = ports
    self.orchestrator = orchestrator
    self.logger = logger
    self.waitsForWriters = !isOnce
    self.retakesFailed = isOnce
    self.unlisted = Dictionary(uniqueKeysWithValues: workflows.map { ($0.name, Set($0.watch.map(\.path))) })
  }

  /// The names that events must tell of.
  nonisolated var interest: WatchInterest {
    WatchInterest(names: workflows.reduce(into: []) { $0.formUnion($1.allMarkerNames) })
  }

  /// Looks for abort markers that lie there already; called once, before anything is taken in.
  func begin() async throws(Failure) {
    for workflow in workflows {
      guard case .markers(_, let abort?) = workflow.stop else { continue }
      for watch in workflow.watch { try await abortIfAsked(at: watch.path.appending(abort)) }
    }
  }

  /// Takes in what a batch of events hints at.
  func handle(_ events: [TreeEvent]) async throws(Failure) {
    await turn.acquire()
    defer { turn.release() }
    var marks: [(BytePath, NameHint)] = []
    for event in events {
      if case .name(let path, let hint) = event {
        marks.append((path, hint))
        continue
      }
      try await look(at: marks)
      marks = []
      try await handle(aboutWatch: event)
    }
    try await look(at: marks)
  }

  /// Scans the workflows' directories: takes in every marker that lies there, forgets those that do not.
  func scan(_ workflows: [Workflow]) async throws(Failure) {
    await turn.acquire()
    defer { turn.release() }
    try await scanInTurn(workflows)
  }

  func scanInTurn(_ workflows: [Workflow]) async throws(Failure) {
    for workflow in workflows {
      for watch in workflow.watch where try await scan(watch.path, for: workflow.allMarkerNames) {
        try await forgetGone(workflow, watch.path)
      }
    }
  }

  /// Takes in what lies below `watch`; false if it could not be listed.
  private func scan(_ watch: BytePath, for names: Set<BytePath>) async throws(Failure) -> Bool {
    var found: [BytePath] = []
    do throws(Failure) {
      for problem in try ports.files.find(names, in: watch, found: { found.append($0) }) { await missed(problem) }
    } catch {
      await missed(error)
      return false
    }
    for start in stride(from: 0, to: found.count, by: Self.batchSize) {
      try await look(at: found[start..<min(start + Self.batchSize, found.count)].map { ($0, .found) })
    }
    return true
  }

  /// Something could not be looked at: nothing is concluded from it.
  private func missed(_ failure: Failure) async {
    logger.error("\(failure.message)")
    pushing?.unseen += 1
    await orchestrator.couldNotLook()
  }

  private func handle(aboutWatch event: TreeEvent) async throws(Failure) {
    switch event {
    case .name: break
    case .listed(let watch): try await listed(watch)
    case .lost(let watch, let failure):
      logger.warning("\(failure.message)", metadata: ["watch": "\(watch)"])
    case .polled(let watch, let directories):
      logger.notice("directories polled: \(directories)", metadata: ["watch": "\(watch)"])
    case .gone(let watch):
      logger.error("the watch directory \(watch) is gone; it is looked for until it is there again")
    }
  }

  private func listed(_ watch: BytePath) async throws(Failure) {
    for workflow in workflows where workflow.watch.contains(where: { $0.path == watch }) {
      try await forgetGone(workflow, watch)
      guard unlisted[workflow.name]?.remove(watch) != nil, unlisted[workflow.name]?.isEmpty == true else { continue }
      logger.info("watching", metadata: ["workflow": "\(workflow.name)"])
      if let started = workflow.started { tellStarted(started) }
    }
  }

  private func tellStarted(_ path: BytePath) {
    do throws(Failure) {
      try ports.files.write([], to: path)
    } catch {
      logger.error("\(error.message)")
    }
  }

  /// A complete listing did not find these markers any more.
  private func forgetGone(_ workflow: Workflow, _ watch: BytePath) async throws(Failure) {
    guard let marker = workflow.treeMarker else { return }
    var last: BytePath?
    while true {
      let names = try await ports.ledger.answeredTrees(workflow.name, watch: watch, after: last, limit: Self.batchSize)
      guard let end = names.last else { return }
      var changes: [LedgerChange] = []
      for name in names where await isGone(watch.appending(name).appending(marker)) {
        changes.append(.answered(TreeID(workflow: workflow.name, watch: watch, name: name), nil))
      }
      if !changes.isEmpty { try await ports.ledger.commit(changes) }
      last = end
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
    for (path, _) in marks { try await abortIfAsked(at: path) }
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
    for (path, _) in marks { try await closeIfComplete(at: path) }
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
      waitsForWriters: waitsForWriters && pushing == nil)
    {
    case .ignore:
      guard retakesFailed || pushing != nil, let marker, try await hasFailed(tree) else { return nil }
      return await ready(tree, marker.identity, &changes)
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
      pushing?.runs.append(run.id)
      return await orchestrator.admit(run, isPushed: pushing != nil)
    }
    var run = run
    run.cancel("its marker was answered by another run", at: ports.clock.now())
    try await ports.ledger.commit([.run(run)])
  }

  /// In an earlier process: what this one could not do it does not try at once again.
  private func hasFailed(_ tree: TreeID) async throws(Failure) -> Bool {
    guard try await ports.ledger.latestRun(of: tree)?.state == .failed else { return false }
    if pushing != nil { return true }
    return await !orchestrator.hasTried(tree)
  }

  private func ready(_ tree: TreeID, _ marker: MarkerIdentity, _ changes: inout [LedgerChange]) async -> Run? {
    guard await orchestrator.isOpen(tree.workflow) else { return nil }
    let now = ports.clock.now()
    let run = Run(id: newID(), tree: tree, marker: marker, created: now)
    changes += [.run(run), .answered(tree, marker)]
    return run
  }

  func newID() -> RunID {
    RunID(at: ports.clock.now(), entropy: (UInt16.random(in: .min ... .max), UInt64.random(in: .min ... .max)))
  }

  private func lookAgain(at path: BytePath, _ marker: MarkerState, after duration: Duration) {
    let isFirst = unsettled.add(path, marker, now: ports.clock.now())
    guard isFirst else { return }
    Task {
      // A cancelled wait looks at once, which is never wrong.
      try? await ports.clock.sleep(until: ports.clock.now() + duration)
      do throws(Failure) {
        try await lookAgain()
      } catch {
        await orchestrator.stop(for: error)
      }
    }
  }

  private func lookAgain() async throws(Failure) {
    await turn.acquire()
    defer { turn.release() }
    let paths = unsettled.beginLook()
    try await look(at: paths.map { ($0, .found) })
    unsettled.endLook()
    for path in unsettled.takeHeldBack() { try await closeIfComplete(at: path) }
  }

  // MARK: The end of an intake

  private func abortIfAsked(at path: BytePath) async throws(Failure) {
    for workflow in workflows {
      guard case .markers(_, let abort?) = workflow.stop, path.name == abort, await lies(path, inWatchOf: workflow)
      else { continue }
      await orchestrator.abortIntake(of: workflow.name)
    }
  }

  private func closeIfComplete(at path: BytePath) async throws(Failure) {
    for workflow in workflows {
      guard case .markers(let complete?, _) = workflow.stop, path.name == complete,
        await lies(path, inWatchOf: workflow), await orchestrator.isOpen(workflow.name)
      else { continue }
      // What was ready before it may not have been told yet.
      try await scanTrees(of: workflow)
      // Nor be known to be ready: then the end waits for that.
      if unsettled.holdsBack(path, where: { !workflow.trees(markedBy: $0).isEmpty }) { continue }
      await orchestrator.closeIntake(of: workflow.name)
    }
  }

  private func lies(_ path: BytePath, inWatchOf workflow: Workflow) async -> Bool {
    guard workflow.watch.contains(where: { $0.path == path.parent }) else { return false }
    if case .known(.some) = await sight(of: path) { return true }
    return false
  }

  private func scanTrees(of workflow: Workflow) async throws(Failure) {
    guard let marker = workflow.treeMarker else { return }
    for watch in workflow.watch { _ = try await scan(watch.path, for: [marker]) }
  }
}

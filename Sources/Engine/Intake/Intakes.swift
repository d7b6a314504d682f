import Logging
import SlipwayModel

/// What is told of the watched directories, and who makes trees of it: hands events on to the intakes, and minds what
/// is the same for all of them, the beginning and the end of a workflow's intake.
actor Intakes {
  private let workflows: [Workflow]
  private let bench: IntakeBench
  private let markers: MarkerIntake
  private let closed: ClosedIntake
  private let settled: SettledIntake
  private let queues: QueueIntake
  private let mirrors: MirrorIntake
  private var unlisted: [WorkflowName: Set<BytePath>]

  init(_ contexts: [WorkflowContext], _ bench: IntakeBench) {
    workflows = contexts.map(\.workflow)
    self.bench = bench
    markers = MarkerIntake(workflows.filter { $0.intake.markerName != nil }, bench)
    closed = ClosedIntake(contexts.filter { $0.workflow.takesClosedFiles }, bench)
    settled = SettledIntake(contexts.filter { $0.workflow.settleTime != nil }, bench)
    queues = QueueIntake(contexts.filter { $0.workflow.claims }, bench)
    mirrors = MirrorIntake(contexts.filter { $0.workflow.intake.mirrorRule != nil }, bench)
    unlisted = Dictionary(uniqueKeysWithValues: workflows.map { ($0.name, Set($0.watch.map(\.path))) })
  }

  /// What events must tell of.
  nonisolated var interest: WatchInterest {
    WatchInterest(
      names: workflows.reduce(into: []) { $0.formUnion($1.allMarkerNames) },
      everythingIn: Set(workflows.filter { $0.intake.markerName == nil }.flatMap { $0.watch.map(\.path) }))
  }

  /// Looks for abort markers that lie there already; called once, before anything is taken in.
  func begin() async throws(Failure) {
    for workflow in workflows {
      if !bench.isOnce, let started = workflow.started { removeStarted(started) }
      guard case .markers(_, let abort?) = workflow.stop else { continue }
      for watch in workflow.watch { try await abortIfAsked(at: watch.path.appending(abort)) }
    }
  }

  /// Takes in what a batch of events hints at.
  func handle(_ events: [TreeEvent]) async throws(Failure) {
    var hints: [(BytePath, NameHint)] = []
    for event in events {
      if case .name(let path, let hint) = event {
        hints.append((path, hint))
        continue
      }
      try await take(hints)
      hints = []
      try await handle(aboutWatch: event)
    }
    try await take(hints)
  }

  /// Takes in, once, what lies there ready, until its task is cancelled.
  func scan() async throws(Failure) {
    for workflow in workflows where !Task.isCancelled {
      if let unmarked = unmarked(workflow) {
        try await unmarked.scan(workflow)
      } else {
        try await markers.scan(workflow)
      }
    }
  }

  /// Looks at everything again, while events go on coming.
  func scanSoon() async throws(Failure) {
    for workflow in workflows {
      if let unmarked = unmarked(workflow) {
        for watch in workflow.watch { await unmarked.scanSoon(workflow.name, watch.path) }
      } else {
        try await markers.scan(workflow)
      }
    }
  }

  /// What a push of the workflow has to wait for.
  func takeAll(of workflow: Workflow) async throws(Failure) -> PushedRuns {
    if let unmarked = unmarked(workflow) { return try await unmarked.takeAll(of: workflow) }
    return try await markers.takeAll(of: workflow)
  }

  /// A run for each of the trees: the one that it is in, or a new one.
  func take(_ trees: [TreeID]) async throws(Failure) -> PushedRuns {
    var runs: [RunID] = []
    var seen: Set<TreeID> = []
    // One that is named twice is wanted once, however soon its run has ended.
    for tree in trees where seen.insert(tree).inserted {
      let run: RunID
      if let unmarked = workflows.first(where: { $0.name == tree.workflow }).flatMap(unmarked) {
        run = try await unmarked.take(tree)
      } else {
        run = try await markers.take(tree)
      }
      runs.append(run)
    }
    return PushedRuns(runs: runs)
  }

  /// A run of a tree has ended about which something was told meanwhile.
  func lookAgain(at tree: TreeID) async throws(Failure) {
    guard let workflow = workflows.first(where: { $0.name == tree.workflow }) else { return }
    try await unmarked(workflow)?.lookAgain(at: tree)
  }

  /// Nothing is taken in after it.
  func stop() async {
    await closed.stop()
    await settled.stop()
    await queues.stop()
    await mirrors.stop()
  }

  /// nil for a workflow whose trees have markers.
  private func unmarked(_ workflow: Workflow) -> (any UnmarkedIntake)? {
    switch workflow.intake {
    case .marker: nil
    case .closed: closed
    case .settled: settled
    case .queue: workflow.claims ? queues : closed
    case .mirror: mirrors
    }
  }

  private func take(_ hints: [(BytePath, NameHint)]) async throws(Failure) {
    if hints.isEmpty { return }
    for (path, _) in hints { try await abortIfAsked(at: path) }
    try await markers.take(hints)
    try await closed.take(hints)
    try await settled.take(hints)
    try await queues.take(hints)
    try await mirrors.take(hints)
    for (path, _) in hints { try await closeIfComplete(at: path) }
  }

  // MARK: A watched directory

  private func handle(aboutWatch event: TreeEvent) async throws(Failure) {
    await bench.orchestrator.note(event)
    switch event {
    case .name: break
    case .listed(let watch): try await listed(watch)
    case .lost(let watch, let failure):
      bench.logger.warning("\(failure.message)", metadata: ["watch": "\(watch)"])
    case .polled(let watch, let directories):
      bench.logger.notice("directories polled: \(directories)", metadata: ["watch": "\(watch)"])
    case .gone(let watch):
      bench.logger.error("the watch directory \(watch) is gone; it is looked for until it is there again")
    }
  }

  private func listed(_ watch: BytePath) async throws(Failure) {
    for workflow in workflows where workflow.watch.contains(where: { $0.path == watch }) {
      if let unmarked = unmarked(workflow) {
        await unmarked.scanSoon(workflow.name, watch)
      } else {
        try await markers.forgetGone(workflow, watch)
      }
      guard unlisted[workflow.name]?.remove(watch) != nil, unlisted[workflow.name]?.isEmpty == true else { continue }
      bench.logger.info("watching", metadata: ["workflow": "\(workflow.name)"])
      if let started = workflow.started { tellStarted(started) }
    }
  }

  /// What an earlier process has told is not true of this one yet.
  private func removeStarted(_ path: BytePath) {
    do throws(Failure) {
      guard let old = try bench.ports.files.fingerprint(path.name, in: path.parent) else { return }
      _ = try bench.ports.files.remove(path.name, in: path.parent, ifStill: old)
    } catch {
      bench.logger.error("\(error.message)")
    }
  }

  private func tellStarted(_ path: BytePath) {
    do throws(Failure) {
      try bench.ports.files.write([], to: path)
    } catch {
      bench.logger.error("\(error.message)")
    }
  }

  // MARK: The end of an intake

  private func abortIfAsked(at path: BytePath) async throws(Failure) {
    for workflow in workflows {
      guard case .markers(_, let abort?) = workflow.stop, path.hasName(abort), await lies(path, inWatchOf: workflow)
      else { continue }
      await bench.orchestrator.abortIntake(of: workflow.name)
    }
  }

  /// What was ready before the complete marker may not have been told yet: the intake looks for it, and then ends. What
  /// it comes by there may be the complete marker of another workflow; that is told as well, and is not followed here.
  private func closeIfComplete(at path: BytePath) async throws(Failure) {
    for workflow in workflows {
      guard case .markers(let complete?, _) = workflow.stop, path.hasName(complete),
        await lies(path, inWatchOf: workflow), await bench.orchestrator.isOpen(workflow.name)
      else { continue }
      if let unmarked = unmarked(workflow) {
        await unmarked.complete(workflow)
      } else {
        try await markers.complete(workflow)
      }
    }
  }

  private func lies(_ path: BytePath, inWatchOf workflow: Workflow) async -> Bool {
    guard workflow.watch.contains(where: { $0.path == path.parent }) else { return false }
    do throws(Failure) {
      return try bench.ports.files.marker(at: path) != nil
    } catch {
      await bench.missed(error)
      return false
    }
  }
}

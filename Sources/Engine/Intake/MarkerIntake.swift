import Logging
import SlipwayModel

/// From marker files to ready trees: an event or a scan says where to look, the file that lies there decides.
actor MarkerIntake {
  private let workflows: [Workflow]
  private let ports: EnginePorts
  private let orchestrator: Orchestrator
  private let logger: Logger
  /// In the service a marker that is still being written is left to the event of its closing.
  private let waitsForWriters: Bool
  /// Under `--once` a tree that failed earlier and still lies there is taken again.
  private let retakesFailed: Bool
  private var unlisted: [WorkflowName: Set<BytePath>]
  private var lookAgain: Set<BytePath> = []
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
    for workflow in workflows {
      for watch in workflow.watch {
        var found: [BytePath] = []
        let problems = try ports.files.find(workflow.allMarkerNames, in: watch.path) { found.append($0) }
        for problem in problems { logger.error("\(problem.message)") }
        for start in stride(from: 0, to: found.count, by: Self.batchSize) {
          try await look(at: found[start..<min(start + Self.batchSize, found.count)].map { ($0, .found) })
        }
        try await forgetGone(workflow, watch.path)
      }
    }
  }

  private func handle(aboutWatch event: TreeEvent) async throws(Failure) {
    switch event {
    case .name: break
    case .listed(let watch): try await listed(watch)
    case .lost(let watch, let failure):
      logger.warning("\(failure.message)", metadata: ["watch": "\(watch)"])
    case .gone(let watch):
      logger.error("the watch directory \(watch) is gone; it is looked for until it is there again")
    }
  }

  private func listed(_ watch: BytePath) async throws(Failure) {
    for workflow in workflows where workflow.watch.contains(where: { $0.path == watch }) {
      try await forgetGone(workflow, watch)
      guard unlisted[workflow.name]?.remove(watch) != nil, unlisted[workflow.name]?.isEmpty == true else { continue }
      logger.info("watching", metadata: ["workflow": "\(workflow.name)"])
      if let started = workflow.started { try ports.files.write([], to: started) }
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
      for name in names where try ports.files.marker(at: watch.appending(name).appending(marker)) == nil {
        changes.append(.answered(TreeID(workflow: workflow.name, watch: watch, name: name), nil))
      }
      if !changes.isEmpty { try await ports.ledger.commit(changes) }
      last = end
    }
  }

  // MARK: Markers

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
    let marker: MarkerState?
    do throws(Failure) {
      marker = try ports.files.marker(at: path)
    } catch {
      logger.error("\(error.message)", metadata: ["workflow": "\(tree.workflow)"])
      return nil
    }
    let answered = try await ports.ledger.answeredMarker(of: tree)
    switch ReadyDecision.make(
      marker: marker, hint: hint, answered: answered, isQueued: await orchestrator.isQueued(tree),
      waitsForWriters: waitsForWriters)
    {
    case .ignore:
      guard retakesFailed, let marker, try await hasFailed(tree) else { return nil }
      return await ready(tree, marker.identity, &changes)
    case .lookAgain(let duration): scheduleLook(at: path, after: duration)
    case .alreadyQueued(let identity): changes.append(.answered(tree, identity))
    case .forget: changes.append(.answered(tree, nil))
    case .ready(let identity): return await ready(tree, identity, &changes)
    }
    return nil
  }

  private func admit(_ run: Run) async throws(Failure) {
    guard await orchestrator.wasTaken(run) else { return await orchestrator.admit(run) }
    var run = run
    run.withdraw("another run has answered its marker", at: ports.clock.now())
    try await ports.ledger.commit([.run(run)])
  }

  private func hasFailed(_ tree: TreeID) async throws(Failure) -> Bool {
    try await ports.ledger.latestRun(of: tree)?.state == .failed
  }

  private func ready(_ tree: TreeID, _ marker: MarkerIdentity, _ changes: inout [LedgerChange]) async -> Run? {
    guard await orchestrator.isOpen(tree.workflow) else { return nil }
    let now = ports.clock.now()
    let id = RunID(at: now, entropy: (UInt16.random(in: .min ... .max), UInt64.random(in: .min ... .max)))
    let run = Run(id: id, tree: tree, marker: marker, created: now)
    changes += [.run(run), .answered(tree, marker)]
    return run
  }

  private func scheduleLook(at path: BytePath, after duration: Duration) {
    let isFirst = lookAgain.isEmpty
    lookAgain.insert(path)
    guard isFirst else { return }
    Task {
      // A cancelled wait looks at once, which is never wrong.
      try? await ports.clock.sleep(until: ports.clock.now() + duration)
      let paths = lookAgain
      lookAgain = []
      do throws(Failure) {
        try await look(at: paths.map { ($0, .found) })
      } catch {
        await orchestrator.stop(for: error)
      }
    }
  }

  // MARK: The end of an intake

  private func abortIfAsked(at path: BytePath) async throws(Failure) {
    for workflow in workflows {
      guard case .markers(_, let abort?) = workflow.stop, path.name == abort, try lies(path, inWatchOf: workflow)
      else { continue }
      await orchestrator.abortIntake(of: workflow.name)
    }
  }

  private func closeIfComplete(at path: BytePath) async throws(Failure) {
    for workflow in workflows {
      guard case .markers(let complete?, _) = workflow.stop, path.name == complete,
        try lies(path, inWatchOf: workflow), await orchestrator.isOpen(workflow.name)
      else { continue }
      // What was ready before it may not have been told yet.
      try await scanTrees(of: workflow)
      await orchestrator.closeIntake(of: workflow.name)
    }
  }

  private func lies(_ path: BytePath, inWatchOf workflow: Workflow) throws(Failure) -> Bool {
    guard workflow.watch.contains(where: { $0.path == path.parent }) else { return false }
    return try ports.files.marker(at: path) != nil
  }

  private func scanTrees(of workflow: Workflow) async throws(Failure) {
    guard let marker = workflow.treeMarker else { return }
    for watch in workflow.watch {
      var found: [BytePath] = []
      let problems = try ports.files.find([marker], in: watch.path) { found.append($0) }
      for problem in problems { logger.error("\(problem.message)") }
      try await look(at: found.map { ($0, .found) })
    }
  }
}

extension Workflow {
  /// The name of the file that makes a directory a tree.
  var treeMarker: BytePath? {
    switch intake {
    case .marker(let name): name
    }
  }

  var allMarkerNames: Set<BytePath> {
    let (anywhere, inWatchedDirectory) = markerNames
    return anywhere.union(inWatchedDirectory)
  }

  /// The trees that the file at `path` marks: one under each watched directory that holds it.
  func trees(markedBy path: BytePath) -> [TreeID] {
    guard path.name == treeMarker else { return [] }
    let directory = path.parent
    return watch.compactMap { watch in
      directory.relative(to: watch.path).map { TreeID(workflow: name, watch: watch.path, name: $0) }
    }
  }
}

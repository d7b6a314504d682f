import Logging
import SlipwayModel

/// Tells what a run would do, as it comes from the planner: sends nothing, writes no ledger, and starts only hooks that
/// say `dry_run: true`.
public struct DryRun: Sendable {
  private let contexts: [WorkflowContext]
  let ports: EnginePorts
  private let grace: Duration
  private let logger: Logger
  /// Asked of each file and destination: whether that upload is told as failed.
  let fails: @Sendable () -> Bool

  /// One thing to tell.
  public enum Line: Sendable {
    case tree(TreeID)
    case item(TreeID, PlanItem, destinations: [Destination])
    /// Because `fails` says so, this upload of a file (relative to the tree) counts as failed; the key with its
    /// destination's prefix.
    case failing(TreeID, BytePath, ObjectKey, DestinationName)
    /// Last of all, unless something cannot be uploaded; the key without a destination's prefix.
    case manifest(TreeID, ObjectKey, destinations: [Destination])
    case hook(TreeID, Hook.Phase, Hook, HookResult.Ending?)
    /// Of a mirror.
    case difference(TreeID, MirrorFinding)
    /// The tree cannot be planned.
    case problem(TreeID, Failure)
  }

  /// `only` names the workflows to look at; nil takes all. The ledger of `ports` is only read.
  /// `fails` is asked of each file and destination, to try what follows a failure.
  public init(
    _ configuration: Configuration, only: Set<WorkflowName>?, ports: EnginePorts, logger: Logger,
    fails: @escaping @Sendable () -> Bool = { false }
  ) throws(Failure) {
    let contexts = try WorkflowContext.all(of: configuration, only, patterns: ports.patterns)
    self.init(contexts, ports: ports, grace: configuration.settings.grace, logger: logger, fails: fails)
  }

  init(
    _ contexts: [WorkflowContext], ports: EnginePorts, grace: Duration, logger: Logger,
    fails: @escaping @Sendable () -> Bool = { false }
  ) {
    (self.contexts, self.ports, self.grace) = (contexts, ports, grace)
    (self.logger, self.fails) = (logger, fails)
  }

  /// Goes through every tree that `run --once` would take, and calls `tell` for each line in turn. False if anything
  /// could not be planned.
  public func run(_ tell: (Line) -> Void) async throws(Failure) -> Bool {
    var isClean = true
    for context in contexts {
      for watch in context.workflow.watch {
        if let marker = context.workflow.intake.markerName {
          for tree in try await markedTrees(of: context.workflow, marker, watch.path) {
            isClean = try await plan(tree, context, tell) && isClean
          }
        } else if let place = QueuePlace(context) {
          isClean = try await planQueue(place, tell) && isClean
        } else if context.workflow.intake == .closed {
          isClean = try await planFiles(context, watch.path, tell) && isClean
        } else if context.workflow.intake.mirrorRule != nil {
          isClean = try await planMirror(context, watch.path, tell) && isClean
        } else {
          isClean = try await planEntries(context, watch.path, tell) && isClean
        }
      }
    }
    return isClean
  }

  private func markedTrees(
    of workflow: Workflow, _ marker: BytePath, _ watch: BytePath
  ) async throws(Failure) -> [TreeID] {
    let search = try ports.files.find([marker], in: watch)
    var found: [BytePath] = []
    while let path = search.next() { found.append(path) }
    for problem in search.problems { logger.error("\(problem.message)") }
    var trees: [TreeID] = []
    for path in found.sorted() {
      for tree in workflow.trees(markedBy: path) where tree.watch == watch {
        if try await isReady(tree, try ports.files.marker(at: path)?.identity) { trees.append(tree) }
      }
    }
    return trees
  }

  /// Where each file is a tree: as they come.
  private func planFiles(
    _ context: WorkflowContext, _ watch: BytePath, _ tell: (Line) -> Void
  ) async throws(Failure) -> Bool {
    let comparison = LedgerComparison(
      of: try ports.files.walk(watch), with: ports.ledger, context.workflow.name, watch, retakesFailed: true)
    var isClean = true
    while let step = try await comparison.next() {
      switch step {
      case .gone: continue
      case .unreadable(let failure):
        logger.error("\(failure.message)")
        isClean = false
      case .changed(let name):
        let tree = TreeID(workflow: context.workflow.name, watch: watch, name: name)
        guard case .taken = try context.selection.verdict(on: name),
          let state = try ports.files.state(of: .here, in: tree.path), state.isOpenForWriting != true
        else { continue }
        isClean = try await plan(tree, context, tell) && isClean
      }
    }
    return isClean
  }

  /// Where each entry of the watched directory is a tree: those, too, that have not settled.
  private func planEntries(
    _ context: WorkflowContext, _ watch: BytePath, _ tell: (Line) -> Void
  ) async throws(Failure) -> Bool {
    let entries = try EntryWalk(context, watch, ports)
    var isClean = true
    while let (tree, state) = entries.next() {
      for problem in state.problems { logger.error("\(problem.message)") }
      isClean = isClean && state.problems.isEmpty
      guard state.digest.fileCount > 0, try await isReady(tree, state.digest.identity),
        try OpenWriter.first(in: tree.path, ports.files) == nil
      else { continue }
      isClean = try await plan(tree, context, tell) && isClean
    }
    return isClean
  }

  /// What lies in a queue, and what an ended process may have left where it is worked on.
  private func planQueue(_ place: QueuePlace, _ tell: (Line) -> Void) async throws(Failure) -> Bool {
    var isClean = true
    for directory in [place.working, place.watch] {
      let entries: any DirectoryEntries
      do throws(Failure) {
        entries = try ports.files.list(directory)
      } catch {
        if error.code == "ENOENT", directory == place.working { continue }
        throw error
      }
      while let entry = try entries.next() {
        guard entry.kind == .file, case .taken = try place.context.selection.verdict(on: entry.name),
          let state = try ports.files.state(of: entry.name, in: directory), state.isOpenForWriting != true
        else { continue }
        isClean = try await plan(place.tree(entry.name), place.context, at: directory, tell) && isClean
      }
    }
    return isClean
  }

  private func isReady(_ tree: TreeID, _ marker: MarkerIdentity?) async throws(Failure) -> Bool {
    guard let marker else { return false }
    if try await ports.ledger.answeredMarker(of: tree) != marker { return true }
    guard let run = try await ports.ledger.latestRun(of: tree) else { return false }
    return run.state == .failed || !run.state.isFinal
  }

  /// One tree; false if anything could not be planned, or was to fail. `directory` is where the file of a queue lies.
  func plan(
    _ tree: TreeID, _ context: WorkflowContext, at directory: BytePath? = nil, _ tell: (Line) -> Void
  ) async throws(Failure) -> Bool {
    tell(.tree(tree))
    let now = ports.clock.now()
    var run = Run(id: .unique(at: now), tree: tree, marker: nil, created: now)
    run.targetPrefix = context.evaluatedPrefix(for: run, ports: ports)
    try await runHooks(.pre, context.workflow.hooks.pre, run, context, at: directory, tell)
    var (isClean, isOneFile, failed) = (true, false, 0)
    do throws(Failure) {
      run.settings = try context.settings(of: tree, ports)
      let walk = try ports.files.with(context.workflow.symlinks).walk((directory ?? tree.watch).appending(tree.name))
      let planner = context.planner(for: run, ports)
      while let entry = walk.next() {
        let item = planner.decide(entry)
        if case .fail = item.decision { isClean = false }
        if item.path == .here { isOneFile = true }
        failed += tellItem(item, of: tree, context, tell)
      }
    } catch {
      isClean = false
      tell(.problem(tree, error))
    }
    if isClean, failed == 0, !isOneFile, context.workflow.commit == .manifest {
      tell(.manifest(tree, context.manifestKey(of: run), destinations: context.destinations))
    }
    run.outcome = failed == 0 ? .success : .failure
    if failed > 0 { run.error = Self.failures(failed) }
    try await runHooks(.post, context.workflow.hooks.post, run, context, at: directory, tell)
    return isClean && failed == 0
  }

  static func failures(_ count: Int) -> String { "\(count) uploads failed, as --fail-rate says" }

  /// How many of its uploads are to fail.
  private func tellItem(
    _ item: PlanItem, of tree: TreeID, _ context: WorkflowContext, _ tell: (Line) -> Void
  ) -> Int {
    guard case .upload(let planned) = item.decision else {
      tell(.item(tree, item, destinations: context.destinations))
      return 0
    }
    let failing = context.destinations.filter { planned.destinations.contains($0.name) && fails() }
    let others = context.destinations.filter { destination in !failing.contains { $0.name == destination.name } }
    if !others.isEmpty { tell(.item(tree, item, destinations: others)) }
    for destination in failing {
      tell(.failing(tree, item.path, joinedKey(destination.prefix, planned.key.bytes), destination.name))
    }
    return failing.count
  }

  func runHooks(
    _ phase: Hook.Phase, _ hooks: [Hook], _ run: Run, _ context: WorkflowContext, at directory: BytePath? = nil,
    _ tell: (Line) -> Void
  ) async throws(Failure) {
    let unfit: Hook.Condition = run.outcome == .failure ? .success : .failure
    for hook in hooks where phase == .pre || hook.condition != unfit {
      guard hook.runsInDryRun else {
        tell(.hook(run.tree, phase, hook, nil))
        continue
      }
      let paths = try ports.runFiles.open(run.id, workflow: run.tree.workflow)
      try EmptyManifest(run: run, destinations: []).write(to: ports.runFiles)
      let variables = HookEnvironment(own: ports.environment).variables(
        for: hook, phase: phase, run: run, at: directory?.appending(run.tree.name), attempt: 1, paths: paths,
        isDryRun: true)
      // What a queue has not claimed lies in none of its other directories.
      let isOfQueue = context.workflow.intake.workingDirectory != nil
      let invocation = HookInvocation(
        command: hook.command, environment: variables,
        directory: isOfQueue ? directory ?? run.tree.watch : context.hookDirectory(of: run.tree, ports.files),
        manifest: paths.manifest,
        timeout: hook.timeout, grace: grace, run: run.id)
      let log = HookLog(hook, logger)
      let result = await ports.hooks.run(invocation) { log.take($0) }
      tell(.hook(run.tree, phase, hook, result.ending))
    }
    try ports.runFiles.remove(run.id)
  }
}

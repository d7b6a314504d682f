import Logging
import SlipwayModel

/// Tells what a run would do, as it comes from the planner: sends nothing, writes no ledger, and starts only hooks that
/// say `dry_run: true`.
public struct DryRun: Sendable {
  private let contexts: [WorkflowContext]
  let ports: EnginePorts
  private let grace: Duration
  private let logger: Logger

  /// One thing to tell.
  public enum Line: Sendable {
    case tree(TreeID)
    case item(TreeID, PlanItem, destinations: [Destination])
    /// Last of all, unless something cannot be uploaded; the key without a destination's prefix.
    case manifest(TreeID, ObjectKey, destinations: [Destination])
    case hook(TreeID, Hook.Phase, Hook, HookResult.Ending?)
    /// Of a mirror.
    case difference(TreeID, MirrorFinding)
    /// The tree cannot be planned.
    case problem(TreeID, Failure)
  }

  /// `only` names the workflows to look at; nil takes all. The ledger of `ports` is only read.
  public init(
    _ configuration: Configuration, only: Set<WorkflowName>?, ports: EnginePorts, logger: Logger
  ) throws(Failure) {
    self.ports = ports
    self.logger = logger
    grace = configuration.settings.grace
    contexts = try WorkflowContext.all(of: configuration, only, patterns: ports.patterns)
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

  private func isReady(_ tree: TreeID, _ marker: MarkerIdentity?) async throws(Failure) -> Bool {
    guard let marker else { return false }
    if try await ports.ledger.answeredMarker(of: tree) != marker { return true }
    guard let run = try await ports.ledger.latestRun(of: tree) else { return false }
    return run.state == .failed || !run.state.isFinal
  }

  private func plan(
    _ tree: TreeID, _ context: WorkflowContext, _ tell: (Line) -> Void
  ) async throws(Failure) -> Bool {
    tell(.tree(tree))
    let now = ports.clock.now()
    var run = Run(id: RunID(at: now, entropy: (0, 0)), tree: tree, marker: nil, created: now)
    run.targetPrefix = context.evaluatedPrefix(for: run, ports: ports)
    try await runHooks(.pre, context.workflow.hooks.pre, run, context, tell)
    var (isClean, isOneFile) = (true, false)
    do throws(Failure) {
      let walk = try ports.files.with(context.workflow.symlinks).walk(tree.path)
      let planner = context.planner(for: tree, targetPrefix: run.fullTargetPrefix, files: ports.files)
      while let entry = walk.next() {
        let item = planner.decide(entry)
        if case .fail = item.decision { isClean = false }
        if item.path == .here { isOneFile = true }
        tell(.item(tree, item, destinations: context.destinations))
      }
    } catch {
      isClean = false
      tell(.problem(tree, error))
    }
    if isClean, !isOneFile, context.workflow.commit == .manifest {
      tell(.manifest(tree, context.manifestKey(of: run), destinations: context.destinations))
    }
    run.outcome = .success
    try await runHooks(.post, context.workflow.hooks.post, run, context, tell)
    return isClean
  }

  func runHooks(
    _ phase: Hook.Phase, _ hooks: [Hook], _ run: Run, _ context: WorkflowContext, _ tell: (Line) -> Void
  ) async throws(Failure) {
    for hook in hooks where hook.condition != .failure {
      guard hook.runsInDryRun else {
        tell(.hook(run.tree, phase, hook, nil))
        continue
      }
      let paths = try ports.runFiles.open(run.id, workflow: run.tree.workflow)
      try EmptyManifest(run: run, destinations: []).write(to: ports.runFiles)
      let variables = HookEnvironment(own: ports.environment).variables(
        for: hook, phase: phase, run: run, attempt: 1, paths: paths, isDryRun: true)
      let invocation = HookInvocation(
        command: hook.command, environment: variables, directory: context.hookDirectory(of: run.tree, ports.files),
        manifest: paths.manifest,
        timeout: hook.timeout, grace: grace, run: run.id)
      let log = HookLog(hook, logger)
      let result = await ports.hooks.run(invocation) { log.take($0) }
      tell(.hook(run.tree, phase, hook, result.ending))
    }
    try ports.runFiles.remove(run.id)
  }
}

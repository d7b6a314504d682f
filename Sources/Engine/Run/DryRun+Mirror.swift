import SlipwayModel

/// What a run of a mirror would do.
extension DryRun {
  /// Tells what `board` has not told yet; all where there is none.
  func planMirror(
    _ context: WorkflowContext, _ watch: BytePath, on board: MirrorBoard? = nil, _ tell: (Line) -> Void
  ) async throws(Failure) -> Bool {
    let tree = TreeID(workflow: context.workflow.name, watch: watch, name: .here)
    let board = board ?? MirrorBoard(isService: false)
    let pass = board.findings.begin(tree, board.begin(tree))
    tell(.tree(tree))
    let now = ports.clock.now()
    var run = Run(id: .unique(at: now), tree: tree, marker: nil, created: now)
    run.targetPrefix = context.evaluatedPrefix(for: run, ports: ports)
    try await runHooks(.pre, context.workflow.hooks.pre, run, context, tell)
    var (isClean, failed) = (true, 0)
    do throws(Failure) {
      let told: ToldFindings.Pass
      (isClean, failed, told) = try await compare(run, context, pass, tell)
      board.findings.end(told)
    } catch {
      isClean = false
      tell(.problem(tree, error))
    }
    run.outcome = failed == 0 ? .success : .failure
    if failed > 0 { run.error = Self.failures(failed) }
    try await runHooks(.post, context.workflow.hooks.post, run, context, tell)
    board.end(tree)
    return isClean && failed == 0
  }

  /// nil for what is no upload, or is not to fail.
  private func failing(_ finding: MirrorFinding, of tree: TreeID) -> Line? {
    switch finding {
    case .upload(let path, let key, let destination), .replace(let path, let key, let destination),
      .copy(let path, let key, let destination, _):
      fails() ? .failing(tree, path, key, destination) : nil
    case .delete, .skip, .problem: nil
    }
  }

  private func compare(
    _ run: Run, _ context: WorkflowContext, _ pass: ToldFindings.Pass, _ tell: (Line) -> Void
  ) async throws(Failure) -> (isClean: Bool, failed: Int, ToldFindings.Pass) {
    var (pass, failed) = (pass, 0)
    let (tree, rule) = (run.tree, context.workflow.intake.mirrorRule ?? MirrorRule())
    let preview = try await MirrorPreview(of: run, context, ports)
    let mounts = MirrorMounts(of: tree, ports.files, ports.ledger)
    let gone = try await mounts.gone()
    var unmounted: BytePath?
    let count = try await preview.run { finding in
      if case .delete(let path, _, _) = finding { unmounted = unmounted ?? gone.first(where: path.isWithin) }
      guard pass.take(finding) else { return }
      let failing = failing(finding, of: tree)
      if failing != nil { failed += 1 }
      tell(failing ?? .difference(tree, finding))
    }
    do throws(Failure) {
      if let unmounted { throw mounts.isGone(unmounted) }
      try await check(count, preview, rule, tree)
      return (count.problems == 0, failed, pass)
    } catch {
      tell(.problem(tree, error))
      return (false, failed, pass)
    }
  }

  /// Throws where a run would delete nothing.
  private func check(
    _ count: MirrorCount, _ preview: MirrorPreview, _ rule: MirrorRule, _ tree: TreeID
  ) async throws(Failure) {
    if count.deleted.values.contains(where: { $0 > 0 }) {
      if preview.taken == 0 { throw Failure.emptyMirror(tree) }
      let root = MirrorRoot(of: tree, ports.files, ports.ledger)
      try await root.check(try root.now())
    }
    for target in preview.targets {
      let gone = count.deleted[target.name] ?? 0
      var counts = try await ports.ledger.mirrorCounts(of: tree, at: target.name)
      // Before the first run the listing alone has told how many there are.
      if target.isListed { counts.all = gone + preview.taken }
      counts.gone = gone - (count.moved[target.name] ?? 0)
      try rule.check(counts, at: target.name, tree)
    }
  }
}

extension MirrorPreview {
  /// Of all that a run would look at.
  init(of run: Run, _ context: WorkflowContext, _ ports: EnginePorts) async throws(Failure) {
    let tree = run.tree
    let targets = try await MirrorTarget.all(of: tree, context, targetPrefix: run.fullTargetPrefix, ports: ports)
    let reader = MirrorReader(
      tree, .whole, to: targets, context, planner: context.planner(for: run, ports), ports: ports)
    self.init(
      tree: tree, targets: targets, reader: reader, files: ports.files.with(context.workflow.symlinks),
      deletes: context.workflow.intake.mirrorRule?.deletes == true)
  }
}

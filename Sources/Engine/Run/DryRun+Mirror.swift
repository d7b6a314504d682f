import SlipwayModel

/// What a run of a mirror would do.
extension DryRun {
  func planMirror(
    _ context: WorkflowContext, _ watch: BytePath, _ tell: (Line) -> Void
  ) async throws(Failure) -> Bool {
    let tree = TreeID(workflow: context.workflow.name, watch: watch, name: .here)
    tell(.tree(tree))
    let now = ports.clock.now()
    var run = Run(id: RunID(at: now, entropy: (0, 0)), tree: tree, marker: nil, created: now)
    run.targetPrefix = context.evaluatedPrefix(for: run, ports: ports)
    try await runHooks(.pre, context.workflow.hooks.pre, run, context, tell)
    var isClean = true
    do throws(Failure) {
      isClean = try await compare(run, context, tell)
    } catch {
      isClean = false
      tell(.problem(tree, error))
    }
    run.outcome = .success
    try await runHooks(.post, context.workflow.hooks.post, run, context, tell)
    return isClean
  }

  private func compare(
    _ run: Run, _ context: WorkflowContext, _ tell: (Line) -> Void
  ) async throws(Failure) -> Bool {
    let (tree, prefix) = (run.tree, run.fullTargetPrefix)
    let targets = try await MirrorTarget.all(of: tree, context, targetPrefix: prefix, ports: ports)
    let planner = context.planner(for: run, ports)
    let rule = context.workflow.intake.mirrorRule ?? MirrorRule()
    let preview = MirrorPreview(
      tree: tree, targets: targets,
      reader: MirrorReader(tree, .whole, to: targets, context, planner: planner, ports: ports), files: ports.files,
      deletes: rule.deletes)
    let count = try await preview.run { tell(.difference(tree, $0)) }
    if preview.taken == 0, count.deleted.values.contains(where: { $0 > 0 }) { throw Failure.emptyMirror(tree) }
    for target in targets {
      let gone = count.deleted[target.name] ?? 0
      var counts = try await ports.ledger.mirrorCounts(of: tree, at: target.name)
      // Before the first run the listing alone has told how many there are.
      if target.isListed { counts.all = gone + preview.taken }
      counts.gone = gone - (count.moved[target.name] ?? 0)
      try rule.check(counts, at: target.name, tree)
    }
    return count.problems == 0
  }
}

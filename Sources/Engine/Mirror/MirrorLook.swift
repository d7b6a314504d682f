import SlipwayModel

/// Whether a mirror's tree is as the ledger says its destinations are. Asks no destination.
struct MirrorLook {
  let context: WorkflowContext
  let ports: EnginePorts
  let openFiles: OpenFiles

  /// Whether a dry run has anything to tell that it has not told yet. Looks at everything.
  func hasNews(_ tree: TreeID, _ told: MirrorScope, _ findings: ToldFindings) async throws(Failure) -> Bool {
    _ = try ports.files.walk(tree.path)
    var (pass, hasNews) = (findings.begin(tree, told), false)
    _ = try await MirrorPreview(of: context.runForLooking(at: tree, ports), context, ports).run { finding in
      if finding.isDifference, pass.take(finding) { hasNews = true }
    }
    return hasNews
  }

  /// Ends with the first difference, and without one where the task is cancelled. What cannot be read is one: the run
  /// tells. Throws where the watched directory itself cannot be read.
  func differs(_ tree: TreeID, _ scope: MirrorScope) async throws(Failure) -> Bool {
    let run = context.runForLooking(at: tree, ports)
    let targets = try await MirrorTarget.all(of: tree, context, targetPrefix: run.fullTargetPrefix, ports: ports)
    // In this order: of a directory that is not there no run is made.
    _ = try ports.files.walk(tree.path)
    if targets.contains(where: \.isListed) { return true }
    let reader = MirrorReader(
      tree, scope, to: targets, context, planner: context.planner(for: run, ports), ports: ports,
      leavingTo: openFiles)
    let mounts = try await ports.ledger.mirrorMounts(of: tree)
    while !Task.isCancelled, let step = try await reader.next() {
      // A run writes it down.
      if let mount = step.mount, !mounts.contains(mount) { return true }
      // What had gone is there again as it was: a run takes back that its object is to be deleted.
      if step.writes.contains(where: { $0.state == .present }) { return true }
      switch step.decision {
      case .upload, .lost: return true
      case .gone: if context.workflow.intake.mirrorRule?.deletes == true { return true }
      case .item(let item): if case .fail = item.decision { return true }
      case .none: continue
      }
    }
    return false
  }
}

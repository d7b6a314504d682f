import SlipwayModel

/// Asks a workflow's planner about single files, for `explain`; nothing is begun.
public struct PlanPreview: Sendable {
  private let context: WorkflowContext
  private let ports: EnginePorts

  public init(_ workflow: Workflow, of configuration: Configuration, ports: EnginePorts) throws(Failure) {
    context = try WorkflowContext(workflow, of: configuration, patterns: ports.patterns)
    self.ports = ports
  }

  public var destinations: [Destination] { context.destinations }

  /// What a run of `tree` that started now would do with `entry`.
  public func decide(_ entry: WalkEntry, in tree: TreeID) -> PlanItem {
    context.planner(for: tree, targetPrefix: run(of: tree).fullTargetPrefix, files: ports.files).decide(entry)
  }

  /// Where its manifest would go, without a destination's prefix; nil if none is uploaded.
  public func manifestKey(of tree: TreeID) -> ObjectKey? {
    context.workflow.commit == .manifest ? context.manifestKey(of: run(of: tree)) : nil
  }

  private func run(of tree: TreeID) -> Run {
    let now = ports.clock.now()
    var run = Run(id: RunID(at: now, entropy: (0, 0)), tree: tree, marker: nil, created: now)
    run.targetPrefix = context.evaluatedPrefix(for: run, ports: ports)
    return run
  }
}

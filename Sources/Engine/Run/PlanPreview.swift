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
    do throws(Failure) {
      return context.planner(for: try run(of: tree), ports).decide(entry)
    } catch {
      return PlanItem(path: entry.path, decision: .fail(error))
    }
  }

  /// Where its manifest would go, without a destination's prefix; nil if none is uploaded.
  public func manifestKey(of tree: TreeID) -> ObjectKey? {
    // What is wrong with the tree's settings is told with its files.
    guard context.workflow.commit == .manifest, let run = try? run(of: tree) else { return nil }
    return context.manifestKey(of: run)
  }

  private func run(of tree: TreeID) throws(Failure) -> Run {
    let now = ports.clock.now()
    var run = Run(id: RunID(at: now, entropy: (0, 0)), tree: tree, marker: nil, created: now)
    run.targetPrefix = context.evaluatedPrefix(for: run, ports: ports)
    run.settings = try context.settings(of: tree, ports)
    return run
  }
}

import SlipwayModel

/// The environment of a hook: a few names of Slipway's own, the run's, then what the file says. Credentials are not
/// among them unless the file passes them on by name.
public struct HookEnvironment: Sendable {
  /// What every hook is given of Slipway's own environment.
  public static let inherited = ["PATH", "HOME", "LANG"]

  private let own: [String: [UInt8]]

  /// `own` is Slipway's environment.
  public init(own: [String: [UInt8]]) {
    self.own = own
  }

  /// `place` is where the tree lies while it is in the run; nil for where it was found. `tree` is what is told as the
  /// tree; nil for the run's.
  public func variables(
    for hook: Hook, phase: Hook.Phase, run: Run, as tree: TreeID? = nil, at place: BytePath? = nil, attempt: Int,
    paths: RunPaths, isDryRun: Bool
  ) -> [EnvironmentVariable] {
    let taken = (Self.inherited + hook.passedEnvironment).compactMap { name in
      own[name].map { EnvironmentVariable(name, $0) }
    }
    let tree = tree ?? run.tree
    return taken + hook.environment + ofRun(phase, run, attempt, paths)
      + [
        EnvironmentVariable("SLIPWAY_TREE", (place ?? tree.path).bytes),
        EnvironmentVariable("SLIPWAY_TREE_NAME", tree.name.bytes),
      ] + (isDryRun ? [EnvironmentVariable("SLIPWAY_DRY_RUN", "1")] : [])
  }

  private func ofRun(_ phase: Hook.Phase, _ run: Run, _ attempt: Int, _ paths: RunPaths) -> [EnvironmentVariable] {
    var variables = [
      EnvironmentVariable("SLIPWAY_HOOK", phase.rawValue),
      EnvironmentVariable("SLIPWAY_WORKFLOW", run.tree.workflow.text),
      EnvironmentVariable("SLIPWAY_RUN_ID", run.id.text),
      EnvironmentVariable("SLIPWAY_ATTEMPT", String(attempt)),
      EnvironmentVariable("SLIPWAY_MANIFEST", paths.manifest.bytes),
      EnvironmentVariable("SLIPWAY_STATE", paths.hookState.bytes),
    ]
    switch phase {
    case .pre: variables.append(EnvironmentVariable("SLIPWAY_OUTPUT", paths.output.bytes))
    case .post:
      variables.append(EnvironmentVariable("SLIPWAY_STATUS", (run.outcome ?? .success).rawValue))
      variables.append(EnvironmentVariable("SLIPWAY_ERROR", run.outcome == .failure ? run.error : ""))
    }
    return variables
  }
}

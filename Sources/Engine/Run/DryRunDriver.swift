import Logging
import SlipwayModel

/// Stands for `RunDriver` where the workflow says `dry_run`: the plan of a run goes to the log, and nothing else happens
/// but the hooks that say the same of themselves.
struct DryRunDriver: Sendable {
  let context: WorkflowContext
  /// Its ledger keeps nothing of such a workflow.
  let ports: EnginePorts
  let grace: Duration
  let mirrors: MirrorBoard
  let logger: Logger

  func drive(_ run: Run) async throws(Failure) -> RunDriver.Ending {
    // Another run may have taken the tree since it was queued.
    guard var run = try await ports.ledger.run(run.id), run.state == .ready else { return .ended(run) }
    var log = logger
    log[metadataKey: "workflow"] = "\(run.tree.workflow)"
    log[metadataKey: "tree"] = "\(run.tree.path)"
    let told = log
    let dryRun = DryRun([context], ports: ports, grace: grace, logger: log)
    let isClean =
      if context.workflow.intake.mirrorRule != nil {
        try await dryRun.planMirror(context, run.tree.watch, on: mirrors) { Self.tell($0, told) }
      } else { try await dryRun.plan(run.tree, context) { Self.tell($0, told) } }
    run.attempt = 1
    run.state = isClean ? .done : .failed
    run.outcome = isClean ? .success : .failure
    try await ports.ledger.commit([.run(run)])
    log.notice("dry run: nothing was sent")
    return .ended(run)
  }

  private static func tell(_ line: DryRun.Line, _ log: Logger) {
    for words in line.words { log.log(level: line.level, "dry run: \(words)") }
  }
}

extension DryRun.Line {
  fileprivate var level: Logger.Level {
    switch self {
    case .problem: .error
    case .item(_, let item, _):
      switch item.decision {
      case .fail: .error
      case .skip(.link), .skip(.special): .warning
      case .skip, .answer: .debug
      case .upload, .proven: .info
      }
    case .difference(_, let finding):
      switch finding {
      case .problem: .error
      case .skip(_, .link), .skip(_, .special): .warning
      case .skip: .debug
      case .upload, .replace, .copy, .delete: .info
      }
    case .tree, .manifest, .hook, .failing: .info
    }
  }
}

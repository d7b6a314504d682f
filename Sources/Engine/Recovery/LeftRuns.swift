import Logging
import SlipwayModel

/// The runs that an earlier process left, each with what becomes of it.
struct LeftRuns {
  let configuration: Configuration
  let only: Set<WorkflowName>?
  let contexts: [WorkflowName: WorkflowContext]
  let ports: EnginePorts
  let mode: Orchestrator.Mode
  let logger: Logger

  /// Before any run of this process begins. Those that are abandoned have been ended.
  func decide() async throws(Failure) -> [(run: Run, decision: RecoveryDecision)] {
    var decided: [(run: Run, decision: RecoveryDecision)] = []
    for run in try await ports.ledger.unfinishedRuns() {
      let decision = decision(for: run)
      switch decision {
      case .leave, .enqueue: break
      case .resume, .wait: try await forgetUnsettled(run)
      case .abandon(let why): try await abandon(run, why)
      }
      decided.append((run, decision))
    }
    return decided
  }

  /// Whoever pushes trees goes on with their runs, and with those that hold them; nothing else is touched.
  private func decision(for run: Run) -> RecoveryDecision {
    if case .push(let trees) = mode {
      let isWanted = trees.contains { $0 == run.tree || (run.state != .ready && run.tree.overlaps($0)) }
      if !isWanted { return .leave }
    }
    return RecoveryDecision.make(for: run, configuration: configuration, only: only, isOnce: mode != .service)
  }

  /// The machine has been started anew since: what a directory was given and had not settled may be gone with its
  /// power, although the ledger's rows are not.
  private func forgetUnsettled(_ run: Run) async throws(Failure) {
    guard RecoveryDecision.hasLostUnsettled(run, machineStarted: ports.machineStarted),
      let directories = contexts[run.tree.workflow]?.destinations.filter(\.isDirectory), !directories.isEmpty
    else { return }
    try await ports.ledger.commit(directories.map { .forgetDestination(run.id, $0.name) })
  }

  private func abandon(_ run: Run, _ why: String) async throws(Failure) {
    var run = run
    run.abandon(why, at: ports.clock.now())
    logger.error("run failed: \(why)", metadata: ["run": "\(run.id)", "tree": "\(run.tree.path)"])
    try await ports.ledger.commit([.run(run)])
  }
}

import Logging
import SlipwayModel

/// Workflows that only tell what they would do.
extension Orchestrator {
  /// `ports` with a ledger that keeps nothing of these workflows.
  static func keepingNothing(of workflows: [Workflow], _ ports: EnginePorts) -> EnginePorts {
    if workflows.isEmpty { return ports }
    var ports = ports
    ports.ledger = DryRunLedger(ports.ledger, dry: Set(workflows.map(\.name)))
    return ports
  }

  func launchDryRun(_ run: Run, _ context: WorkflowContext) {
    let driver = DryRunDriver(
      context: context, ports: ports, grace: shared.grace, mirrors: shared.mirrors, logger: logger)
    tasks[run.id] = Task.detached(executorPreference: ports.fileExecutor) {
      do throws(Failure) {
        await self.left(run.id, try await driver.drive(run))
      } catch {
        // In this order: without tasks it may be over.
        if error.kind == .fatal { await self.stop(for: error) } else { await self.couldNotPlan(run, error) }
        await self.left(run.id, .ended(run))
      }
    }
  }

  private func couldNotPlan(_ run: Run, _ failure: Failure) {
    logger.error("\(failure.message)", metadata: ["workflow": "\(run.tree.workflow)", "tree": "\(run.tree.path)"])
    failedTrees.insert(run.tree)
  }
}

import Logging
import SlipwayModel

/// What all intakes work with.
struct IntakeBench: Sendable {
  let ports: EnginePorts
  let orchestrator: Orchestrator
  let logger: Logger
  let isOnce: Bool
  let mirrors: MirrorBoard
  let openFiles: OpenFiles
  let missedLooks: MissedLooks

  /// So many trees are looked at before what was found is committed.
  static let batchSize = 256

  /// Something could not be looked at: nothing is concluded from it. In the service what may go well later is looked at
  /// later.
  func missed(_ failure: Failure) async {
    logger.error("\(failure.message)")
    await orchestrator.couldNotLook()
    guard !isOnce, case .transient = failure.kind, let pause = missedLooks.note(at: ports.clock.now()) else { return }
    after(pause) { () throws(Failure) in
      missedLooks.begin()
      try await orchestrator.lookAtEverything()
    }
  }

  /// A new run of `tree`, which is ready by `marker`, or by somebody's word.
  func run(of tree: TreeID, by marker: MarkerIdentity?) -> Run {
    let now = ports.clock.now()
    return Run(id: .unique(at: now), tree: tree, marker: marker, created: now)
  }

  /// Later, in a task of its own.
  func after(_ duration: Duration, _ look: @escaping @Sendable () async throws(Failure) -> Void) {
    Task.detached(executorPreference: ports.fileExecutor) {
      // A cancelled wait looks at once, which is never wrong.
      try? await ports.clock.sleep(until: ports.clock.now() + duration)
      do throws(Failure) {
        try await look()
      } catch {
        await orchestrator.stop(for: error)
      }
    }
  }
}

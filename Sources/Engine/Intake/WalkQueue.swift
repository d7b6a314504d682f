import SlipwayModel
import Synchronization

/// Walks of watched directories that are due, those of a workflow one after the other, in a task of its own: one that
/// waits for room holds up no other workflow. A place that is asked for again while it waits is walked once; one that is
/// asked for while it is being walked is walked again. Any thread.
final class WalkQueue: Sendable {
  struct Place: Hashable {
    let workflow: WorkflowName
    let watch: BytePath
  }

  typealias Walk = @Sendable () async throws(Failure) -> Void

  private struct State {
    var due: [WorkflowName: [(place: Place, walk: Walk)]] = [:]
    var tasks: [WorkflowName: Task<Void, Never>] = [:]
    var isStopped = false
  }

  private let bench: IntakeBench
  private let state = Mutex(State())

  init(_ bench: IntakeBench) {
    self.bench = bench
  }

  func add(_ place: Place, _ walk: @escaping Walk) {
    let workflow = place.workflow
    state.withLock { state in
      if state.isStopped || state.due[workflow, default: []].contains(where: { $0.place == place }) { return }
      state.due[workflow, default: []].append((place, walk))
      if state.tasks[workflow] != nil { return }
      state.tasks[workflow] = Task.detached(executorPreference: bench.ports.fileExecutor) { await self.run(workflow) }
    }
  }

  /// Whether a walk of the workflow's directories is due.
  func holds(_ workflow: WorkflowName) -> Bool {
    state.withLock { state in state.due[workflow]?.isEmpty == false }
  }

  /// Returns when the walks under way have ended; none begins after it.
  func stop() async {
    let tasks = state.withLock { state in
      state.isStopped = true
      state.due = [:]
      return state.tasks.values
    }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
  }

  private func run(_ workflow: WorkflowName) async {
    while let walk = next(of: workflow) {
      do throws(Failure) {
        try await walk()
      } catch {
        await bench.orchestrator.stop(for: error)
      }
    }
  }

  private func next(of workflow: WorkflowName) -> Walk? {
    state.withLock { state in
      if state.isStopped || state.due[workflow]?.isEmpty != false {
        state.tasks[workflow] = nil
        return nil
      }
      return state.due[workflow]?.removeFirst().walk
    }
  }
}

import SlipwayModel
import Synchronization

/// Walks of watched directories that are due, one after the other, in a task of its own. A place that is asked for again
/// while it waits is walked once; one that is asked for while it is being walked is walked again. Any thread.
final class WalkQueue: Sendable {
  struct Place: Hashable {
    let workflow: WorkflowName
    let watch: BytePath
  }

  typealias Walk = @Sendable () async throws(Failure) -> Void

  private struct State {
    var due: [(place: Place, walk: Walk)] = []
    var task: Task<Void, Never>?
    var isStopped = false
  }

  private let bench: IntakeBench
  private let state = Mutex(State())

  init(_ bench: IntakeBench) {
    self.bench = bench
  }

  func add(_ place: Place, _ walk: @escaping Walk) {
    state.withLock { state in
      if state.isStopped || state.due.contains(where: { $0.place == place }) { return }
      state.due.append((place, walk))
      if state.task != nil { return }
      state.task = Task.detached(executorPreference: bench.ports.fileExecutor) { await self.run() }
    }
  }

  /// Whether a walk of the workflow's directories is due.
  func holds(_ workflow: WorkflowName) -> Bool {
    state.withLock { state in state.due.contains { $0.place.workflow == workflow } }
  }

  /// Returns when the walk under way has ended; none begins after it.
  func stop() async {
    let task = state.withLock { state in
      state.isStopped = true
      state.due = []
      return state.task
    }
    task?.cancel()
    await task?.value
  }

  private func run() async {
    while let walk = next() {
      do throws(Failure) {
        try await walk()
      } catch {
        await bench.orchestrator.stop(for: error)
      }
    }
  }

  private func next() -> Walk? {
    state.withLock { state in
      if state.due.isEmpty || state.isStopped {
        state.task = nil
        return nil
      }
      return state.due.removeFirst().walk
    }
  }
}

import SlipwayModel
import Synchronization

/// The files of queues that an engine works on: each is held from the moment at which it is claimed until its run is
/// over, or the engine. Any thread.
final class Claims: Sendable {
  private struct Held {
    let claim: any FileClaim
    let workflow: WorkflowName
  }

  private struct State {
    var held: [RunID: Held] = [:]
    var counts: [WorkflowName: Int] = [:]
    var isOver = false
    /// Files that a hook has had passed over, and that had no other place to go.
    var skipped: [TreeID: Fingerprint] = [:]
    /// Files that stay in the directory of work although their run is over, and are to be looked at again.
    var left: Set<TreeID> = []
  }

  private let files: any TreeFiles
  private let state = Mutex(State())
  /// So many may be held for each workflow: what waits for one destination leaves the other queues their part.
  let share: Int
  /// So many files are remembered as skipped.
  private static let skippedMax = 10_000

  /// `queues` workflows share what may be held.
  init(_ files: any TreeFiles, queues: Int) {
    self.files = files
    share = max(1, files.claimsMax / max(1, queues))
  }

  /// How many more may be held.
  func room(for workflow: WorkflowName) -> Int {
    share - state.withLock { $0.counts[workflow, default: 0] }
  }

  /// Not after `releaseAll`.
  func keep(_ claim: any FileClaim, for run: Run) {
    release(run.id)
    state.withLock { state in
      if state.isOver { return }
      state.counts[run.tree.workflow, default: 0] += 1
      state.held[run.id] = Held(claim: claim, workflow: run.tree.workflow)
    }
  }

  func claim(of run: RunID) -> (any FileClaim)? { state.withLock { $0.held[run]?.claim } }

  func release(_ run: RunID) {
    // Outside of the lock: with the last reference goes an open file.
    _ = state.withLock { state in
      let held = state.held.removeValue(forKey: run)
      if let held { state.counts[held.workflow, default: 0] -= 1 }
      return held
    }
  }

  // MARK: Files that stay where they are

  /// The run is over, and its file stays in the directory of work: as it is, this process does not take it again.
  func leaveSkipped(_ run: Run, _ file: Fingerprint) {
    state.withLock { state in
      if state.skipped.count >= Self.skippedMax { state.skipped = [:] }
      state.skipped[run.tree] = file
    }
    release(run.id)
  }

  func isSkipped(_ tree: TreeID, _ claim: any FileClaim) -> Bool {
    state.withLock { $0.skipped[tree] == claim.fingerprint }
  }

  /// The engine is over: another one, of this process or not, may have the files. flock(2) tells two descriptors of one
  /// process apart as it does those of two.
  func releaseAll() {
    _ = state.withLock { state in
      state.isOver = true
      defer { state.held = [:] }
      return state.held
    }
  }

  /// Whether the run has its file. One that an earlier process held, or that a hook has put in the place of the claimed
  /// one, is taken up, unless another process was first; false also if there is none.
  func holds(_ run: Run, in working: BytePath) throws(Failure) -> Bool {
    if let claim = claim(of: run.id), try claim.state() != nil { return true }
    release(run.id)
    switch try files.takeUp([run.tree.name], in: working).first {
    case .claimed(let claim):
      keep(claim, for: run)
      return true
    case .failed(let failure): throw failure
    default: return false
    }
  }

  func noteLeft(_ tree: TreeID) {
    state.withLock { _ = $0.left.insert(tree) }
  }

  func takeLeft(_ tree: TreeID) -> Bool {
    state.withLock { $0.left.remove(tree) != nil }
  }
}

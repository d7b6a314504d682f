import SlipwayModel
import Synchronization

/// The files of queues that an engine works on: each is held from the moment at which it is claimed until its run is
/// over, or the engine. Any thread.
final class Claims: Sendable {
  private struct State {
    var held: [RunID: any FileClaim] = [:]
    var isOver = false
    /// Files that stay in the directory of work although their run is over, and are to be looked at again.
    var left: Set<TreeID> = []
  }

  private let files: any TreeFiles
  private let state = Mutex(State())
  /// So many may be held.
  let limit: Int

  init(_ files: any TreeFiles) {
    self.files = files
    limit = files.claimsMax
  }

  var count: Int { state.withLock { $0.held.count } }

  /// Not after `releaseAll`.
  func keep(_ claim: any FileClaim, for run: RunID) {
    state.withLock { if !$0.isOver { $0.held[run] = claim } }
  }

  func claim(of run: RunID) -> (any FileClaim)? { state.withLock { $0.held[run] } }

  func release(_ run: RunID) {
    // Outside of the lock: with the last reference goes an open file.
    _ = state.withLock { $0.held.removeValue(forKey: run) }
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
    if let claim = state.withLock({ $0.held[run.id] }), try claim.state() != nil { return true }
    release(run.id)
    switch try files.takeUp([run.tree.name], in: working).first {
    case .claimed(let claim):
      keep(claim, for: run.id)
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

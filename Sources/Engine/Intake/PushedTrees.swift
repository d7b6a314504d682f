import SlipwayModel
import Synchronization

/// What a push comes by while it looks for trees. Any task.
final class PushedTrees: Sendable {
  private let found: Mutex<PushedRuns>

  /// `runs` are those that it joins.
  init(joining runs: [RunID]) {
    found = Mutex(PushedRuns(runs: runs))
  }

  var runs: PushedRuns { found.withLock { $0 } }

  /// These have been committed as ready.
  func note(_ runs: [RunID]) { found.withLock { $0.runs += runs } }

  /// Something could not be looked at.
  func missed() { found.withLock { $0.unseen += 1 } }
}

import SlipwayModel
import Synchronization

/// The markers that were answered by a run other than the one that they ask for while this process runs: those of inner
/// trees that were delivered with an outer one, and those made anew just before a run began. An intake that had looked
/// at such a marker before its answer was committed learns it here. Any thread.
final class TakenMarkers: Sendable {
  /// Beyond so many the memory begins anew; what is lost is a tree delivered a second time.
  static let limit = 10_000

  private let taken = Mutex<[TreeID: MarkerIdentity]>([:])

  /// Called before the answers are committed.
  func note(_ markers: [(tree: TreeID, marker: MarkerIdentity)]) {
    taken.withLock { taken in
      if taken.count + markers.count > Self.limit { taken.removeAll() }
      for (tree, marker) in markers { taken[tree] = marker }
    }
  }

  func contains(_ marker: MarkerIdentity?, of tree: TreeID) -> Bool {
    taken.withLock { marker != nil && $0[tree] == marker }
  }
}

import SlipwayModel
import Synchronization

/// What has been told of the trees of mirrors, and has not been delivered yet. Any thread.
final class MirrorBoard: Sendable {
  private struct Entry {
    /// Nothing is known of a tree before it has been looked at once.
    var told: MirrorScope? = .whole
    /// What the run under way, or one that failed, was to deliver.
    var owed: MirrorScope?
  }

  /// Whether events go on telling of changes; else what changes while it is sent is that attempt's failure.
  let isService: Bool
  /// Of mirrors whose workflow says `dry_run`.
  let findings = ToldFindings()
  private let entries = Mutex<[TreeID: Entry]>([:])

  init(isService: Bool) {
    self.isService = isService
  }

  func tell(_ tree: TreeID, _ scope: MirrorScope) {
    change(tree) { $0.told = Self.union($0.told, scope) }
  }

  /// What has been told, for a look that decides whether there is anything to do; whoever finds that there is tells it
  /// again.
  func takeTold(_ tree: TreeID) -> MirrorScope? {
    change(tree) { entry in
      defer { entry.told = nil }
      return entry.told
    }
  }

  /// Whether there is something that no run has taken.
  func hasTold(_ tree: TreeID) -> Bool { entries.withLock { $0[tree].map { $0.told != nil } ?? false } }

  /// What an attempt is to deliver.
  func begin(_ tree: TreeID) -> MirrorScope {
    change(tree) { entry in
      // An attempt that was told nothing goes on with what an earlier process knew.
      let scope = Self.union(entry.owed, entry.told ?? .parts([])) ?? .whole
      entry.owed = scope == .parts([]) ? .whole : scope
      entry.told = nil
      return entry.owed ?? .whole
    }
  }

  /// It has been delivered.
  func end(_ tree: TreeID) { change(tree) { $0.owed = nil } }

  private func change<Answer: Sendable>(_ tree: TreeID, _ body: (inout Entry) -> Answer) -> Answer {
    entries.withLock { body(&$0[tree, default: Entry()]) }
  }

  private static func union(_ one: MirrorScope?, _ other: MirrorScope) -> MirrorScope? {
    guard var scope = one else { return other }
    scope.formUnion(other)
    return scope
  }
}

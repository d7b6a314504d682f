import SlipwayModel

/// The trees in which something has changed a short while ago, and when each is to be looked at. Pure.
struct Settling {
  private struct Entry {
    /// nil while it is being looked at.
    var due: Timestamp?
    /// What it was like when it was looked at last, and since when.
    var identity: MarkerIdentity?
    var since: Timestamp
  }

  private var entries: [TreeID: Entry] = [:]
  private var counts: [WorkflowName: Int] = [:]

  /// So many are remembered; of more a walk finds what has changed.
  static let entriesMax = 10_000

  /// Whether another tree has room.
  func hasRoom(for tree: TreeID) -> Bool { entries.count < Self.entriesMax || entries[tree] != nil }

  /// Something was told of the tree.
  mutating func touch(_ tree: TreeID, now: Timestamp, for duration: Duration) {
    if entries[tree] == nil { counts[tree.workflow, default: 0] += 1 }
    entries[tree, default: Entry(due: now, identity: nil, since: now)].due = now + duration
  }

  /// Whether nothing has changed in the tree for so long: by the times of its files or, where they lie in the future, by
  /// what was seen. If something has it is to be looked at again.
  mutating func isQuiet(_ tree: TreeID, _ state: TreeState, now: Timestamp, for duration: Duration) -> Bool {
    let identity = state.digest.identity
    let isKnown = entries[tree]?.identity == identity
    let since = isKnown ? entries[tree]?.since ?? now : now
    if now - state.newest >= duration || isKnown && now - since >= duration { return true }
    touch(tree, now: now, for: duration)
    let due = min(state.newest, since) + duration
    entries[tree] = Entry(due: due > now ? due : now + duration, identity: identity, since: since)
    return false
  }

  /// It has been looked at, and need not be again: unless something has been told of it since the look began.
  mutating func settle(_ tree: TreeID) {
    if let entry = entries[tree], entry.due == nil { remove(tree) }
  }

  /// It is not looked at again, whatever was told.
  mutating func remove(_ tree: TreeID) {
    if entries.removeValue(forKey: tree) != nil { counts[tree.workflow, default: 0] -= 1 }
  }

  func holds(_ workflow: WorkflowName) -> Bool { counts[workflow, default: 0] > 0 }

  /// When the first one is to be looked at; nil if there is none.
  var earliest: Timestamp? { entries.values.compactMap(\.due).min() }

  /// Those that are to be looked at now; what is known of them stays until `settle`.
  mutating func takeDue(at now: Timestamp) -> [TreeID] {
    let trees = entries.filter { $0.value.due.map { $0 <= now } ?? false }.map(\.key)
    for tree in trees { entries[tree]?.due = nil }
    return trees
  }
}

import SlipwayModel

/// When the trees of mirrors are to be looked at: once nothing has been told for a while, and at the latest some time after
/// the first thing was told. Pure.
struct MirrorBatches {
  private var first: [TreeID: Timestamp] = [:]
  private var due: [TreeID: Timestamp] = [:]

  /// Where changes do not end, a batch is made after so many settle times.
  static let longest = 10

  /// Something was told of the tree.
  mutating func touch(_ tree: TreeID, now: Timestamp, for duration: Duration) {
    let start = first[tree] ?? now
    first[tree] = start
    due[tree] = min(now + duration, start + duration * Self.longest)
  }

  func holds(_ workflow: WorkflowName) -> Bool { due.keys.contains { $0.workflow == workflow } }

  /// When the first one is to be looked at; nil if there is none.
  var earliest: Timestamp? { due.values.min() }

  mutating func takeDue(at now: Timestamp) -> [TreeID] {
    let trees = due.filter { $0.value <= now }.map(\.key)
    for tree in trees { (due[tree], first[tree]) = (nil, nil) }
    return trees
  }
}

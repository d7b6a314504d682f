import SlipwayModel

/// Sees to it that the objects of one tree are not overwritten by a tree from another place: the key of a tree itself
/// (its stem) belongs to the path that used it first.
actor StemClaims {
  private struct Stem: Hashable {
    let key: ObjectKey
    let destination: DestinationName
  }

  private let ledger: any Ledger
  /// What is being claimed: until it is committed the ledger does not know.
  private var claimed: [Stem: BytePath] = [:]

  init(ledger: any Ledger) {
    self.ledger = ledger
  }

  /// Whether nothing is being claimed just now.
  var isEmpty: Bool { claimed.isEmpty }

  /// The changes that record the claim of `tree`; a permanent failure if a stem belongs to another path. Call
  /// `release` once they are committed, or will not be. May be called again for the same tree.
  func claim(_ tree: TreeID, _ stems: [(destination: DestinationName, key: ObjectKey)]) async throws(Failure)
    -> [LedgerChange]
  {
    var changes: [LedgerChange] = []
    for (destination, key) in stems {
      let stem = Stem(key: key, destination: destination)
      if try await isOwner(tree, of: stem) { continue }
      if let other = claimed[stem], other != tree.path { throw Self.refusal(of: tree, key, destination, other) }
      claimed[stem] = tree.path
      // Another claim may have been committed, and released, since the ledger was asked.
      if try await isOwner(tree, of: stem) { continue }
      changes.append(.stem(key, at: destination, from: tree.path))
    }
    return changes
  }

  /// False if the stem is nobody's; throws if it is another's.
  private func isOwner(_ tree: TreeID, of stem: Stem) async throws(Failure) -> Bool {
    guard let owner = try await ledger.owner(ofStem: stem.key, at: stem.destination) else { return false }
    if owner != tree.path { throw Self.refusal(of: tree, stem.key, stem.destination, owner) }
    return true
  }

  func release(_ tree: TreeID) {
    claimed = claimed.filter { $0.value != tree.path }
  }

  private static func refusal(
    of tree: TreeID, _ key: ObjectKey, _ destination: DestinationName, _ owner: BytePath
  ) -> Failure {
    Failure(
      .permanent, "upload", tree.path.description,
      cause: "at destination '\(destination)' the keys below '\(key)' belong to \(owner)",
      remedy: "set source_prefix or put {workflow} into target_prefix to tell the two apart")
  }
}

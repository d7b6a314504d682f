import SlipwayModel

/// Sees to it that the objects of one tree are not overwritten by a tree from another place: the key of a tree itself
/// (its stem) belongs to the path that used it first.
actor StemClaims {
  private struct Stem: Hashable {
    let key: ObjectKey
    let destination: DestinationName
  }

  private let ledger: any Ledger
  private var claimed: [Stem: BytePath] = [:]

  init(ledger: any Ledger) {
    self.ledger = ledger
  }

  /// The changes that record the claim of `tree`; a permanent failure if a stem belongs to another path. May be
  /// called again for the same tree.
  func claim(_ tree: TreeID, _ stems: [(destination: DestinationName, key: ObjectKey)]) async throws(Failure)
    -> [LedgerChange]
  {
    var changes: [LedgerChange] = []
    for (destination, key) in stems {
      let stem = Stem(key: key, destination: destination)
      if let owner = claimed[stem] {
        if owner != tree.path { throw Self.refusal(of: tree, key, destination, owner) }
        continue
      }
      claimed[stem] = tree.path
      let owner = try await ledger.owner(ofStem: key, at: destination)
      if let owner, owner != tree.path {
        claimed[stem] = owner
        throw Self.refusal(of: tree, key, destination, owner)
      }
      if owner == nil { changes.append(.stem(key, at: destination, from: tree.path)) }
    }
    return changes
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

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
  /// The same by the path of the tree.
  private var stems: [BytePath: [Stem]] = [:]
  /// What has been released while somebody was asking the ledger, whose answer may not tell of it.
  private var released: [Stem: BytePath] = [:]
  private var asking = 0

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
      note(stem, of: tree)
      // Another claim may have been committed, and released, since the ledger was asked.
      if try await isOwner(tree, of: stem) { continue }
      changes.append(.stem(key, at: destination, from: tree.path))
    }
    return changes
  }

  /// The same for many trees, at once: of each the changes, or why it is refused.
  func claim(
    _ wishes: [(tree: TreeID, stems: [(destination: DestinationName, key: ObjectKey)])]
  ) async throws(Failure) -> [Result<[LedgerChange], Failure>] {
    asking += 1
    defer {
      asking -= 1
      if asking == 0 { released = [:] }
    }
    let owners = try await ledger.owners(ofStems: wishes.flatMap(\.stems))
    var place = 0
    return wishes.map { wish in
      defer { place += wish.stems.count }
      return Result { () throws(Failure) in try claim(wish.tree, wish.stems, owners[place...]) }
    }
  }

  private func claim(
    _ tree: TreeID, _ stems: [(destination: DestinationName, key: ObjectKey)], _ owners: ArraySlice<BytePath?>
  ) throws(Failure) -> [LedgerChange] {
    var changes: [LedgerChange] = []
    for ((destination, key), owner) in zip(stems, owners) {
      let stem = Stem(key: key, destination: destination)
      let other = owner ?? released[stem] ?? claimed[stem] ?? tree.path
      if other != tree.path { throw Self.refusal(of: tree, key, destination, other) }
      if owner != nil { continue }
      note(stem, of: tree)
      changes.append(.stem(key, at: destination, from: tree.path))
    }
    return changes
  }

  func release(_ trees: [TreeID]) {
    for path in trees.map(\.path) {
      for stem in stems.removeValue(forKey: path) ?? [] where claimed[stem] == path {
        claimed[stem] = nil
        if asking > 0 { released[stem] = path }
      }
    }
  }

  private func note(_ stem: Stem, of tree: TreeID) {
    if claimed.updateValue(tree.path, forKey: stem) == nil { stems[tree.path, default: []].append(stem) }
  }

  /// False if the stem is nobody's; throws if it is another's.
  private func isOwner(_ tree: TreeID, of stem: Stem) async throws(Failure) -> Bool {
    guard let owner = try await ledger.owner(ofStem: stem.key, at: stem.destination) else { return false }
    if owner != tree.path { throw Self.refusal(of: tree, stem.key, stem.destination, owner) }
    return true
  }

  func release(_ tree: TreeID) { release([tree]) }

  private static func refusal(
    of tree: TreeID, _ key: ObjectKey, _ destination: DestinationName, _ owner: BytePath
  ) -> Failure {
    Failure(
      .permanent, "upload", tree.path.description,
      cause: "at destination '\(destination)' the keys below '\(key)' belong to \(owner)",
      remedy: "set source_prefix or put {workflow} into target_prefix to tell the two apart")
  }
}

import SlipwayModel

/// Makes runs of trees that are ready and have no marker: what stands in its place, against what the ledger says has
/// been answered, decides.
final class TreeTaker: Sendable {
  struct Found {
    let tree: TreeID
    let identity: MarkerIdentity
  }

  private let bench: IntakeBench
  /// One at a time: between the look at the ledger and the commit of what it means nobody else may look.
  private let turn = Turns()

  init(_ bench: IntakeBench) {
    self.bench = bench
  }

  /// Commits a run of each tree that is not as it was answered and in no run, and admits it. Of one that is in a run it
  /// is noted that it is to be looked at again at its end.
  /// A push takes what failed again, whenever that was.
  func take(_ found: [Found], _ push: PushedTrees? = nil) async throws(Failure) {
    if found.isEmpty { return }
    await turn.acquire()
    defer { turn.release() }
    // In this order: a run that ends in between has its answer in the ledger.
    let free = await bench.orchestrator.free(found.map(\.tree))
    let answered = try await bench.ports.ledger.answeredMarkers(of: Array(free))
    var runs: [Run] = []
    var taken: Set<TreeID> = []
    for (tree, identity) in found.map({ ($0.tree, $0.identity) }) where free.contains(tree) {
      if answered[tree] == identity {
        guard try await isRetaken(tree, push) else { continue }
      }
      if taken.insert(tree).inserted { runs.append(bench.run(of: tree, by: identity)) }
    }
    if runs.isEmpty { return }
    try await bench.ports.ledger.commit(runs.flatMap { [.run($0), .answered($0.tree, $0.marker)] })
    push?.note(runs.map(\.id))
    await bench.orchestrator.admit(runs, isPushed: push != nil)
  }

  /// The run that the tree is in, or a new one.
  func push(_ tree: TreeID, _ identity: MarkerIdentity) async throws(Failure) -> RunID {
    await turn.acquire()
    defer { turn.release() }
    if let run = try await bench.orchestrator.join(tree) { return run }
    let run = bench.run(of: tree, by: identity)
    try await bench.ports.ledger.commit([.run(run), .answered(tree, identity)])
    await bench.orchestrator.admit([run], isPushed: true)
    return run.id
  }

  /// Under `--once` a tree that failed in an earlier process and still lies there.
  private func isRetaken(_ tree: TreeID, _ push: PushedTrees?) async throws(Failure) -> Bool {
    guard bench.isOnce || push != nil, try await bench.ports.ledger.latestRun(of: tree)?.state == .failed else {
      return false
    }
    if push != nil { return true }
    return await !bench.orchestrator.hasTried(tree)
  }

  /// Forgets the answers of those that `isGone` says are no longer there.
  func forget(_ trees: [TreeID], where isGone: @Sendable (TreeID) -> Bool) async throws(Failure) {
    await turn.acquire()
    defer { turn.release() }
    let gone = trees.filter(isGone)
    if !gone.isEmpty { try await bench.ports.ledger.commit(gone.map { .answered($0, nil) }) }
  }
}

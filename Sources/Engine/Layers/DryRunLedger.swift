import SlipwayModel

/// A ledger that keeps what is answered by the workflows with `dry_run` in memory, and their runs with it: nothing of
/// them would keep a tree from being uploaded later. All else goes through.
actor DryRunLedger: LedgerLayer {
  let kept: any Ledger
  private let workflows: Set<WorkflowName>
  /// What this process has told of trees; nil: it has seen the marker gone.
  private var answered: [TreeID: MarkerIdentity?] = [:]
  /// The same trees, the oldest first.
  private var order: [TreeID] = []
  /// Those that are not over.
  private var runs: [RunID: Run] = [:]

  /// So many trees are remembered as told; those before them are told once more when they are looked at again.
  static let answeredMax = 50_000

  init(_ kept: any Ledger, dry workflows: Set<WorkflowName>) {
    self.kept = kept
    self.workflows = workflows
  }

  func commit(_ changes: [LedgerChange]) async throws(Failure) {
    let rest = changes.filter { !take($0) }
    if !rest.isEmpty { try await kept.commit(rest) }
  }

  /// Whether it is kept here. A run that an earlier process began is a real one.
  private func take(_ change: LedgerChange) -> Bool {
    switch change {
    case .run(let run) where workflows.contains(run.tree.workflow) && (run.state == .ready || runs[run.id] != nil):
      runs[run.id] = run.state.isFinal ? nil : run
      return true
    case .answered(let tree, let marker) where workflows.contains(tree.workflow):
      if answered.updateValue(marker, forKey: tree) == nil { order.append(tree) }
      if order.count > Self.answeredMax * 2 { forgetOldest() }
      return true
    default: return false
    }
  }

  private func forgetOldest() {
    for tree in order.dropLast(Self.answeredMax) { answered[tree] = nil }
    order.removeFirst(order.count - Self.answeredMax)
  }

  // MARK: Reading

  func answeredMarkers(of trees: [TreeID]) async throws(Failure) -> [TreeID: MarkerIdentity] {
    var markers: [TreeID: MarkerIdentity] = [:]
    var others: [TreeID] = []
    for tree in trees {
      if let told = answered[tree] { markers[tree] = told } else { others.append(tree) }
    }
    if others.isEmpty { return markers }
    return try await kept.answeredMarkers(of: others).merging(markers) { _, told in told }
  }

  func answeredTrees(
    _ workflow: WorkflowName, watch: BytePath, after name: BytePath?, limit: Int
  ) async throws(Failure) -> [AnsweredTree] {
    let page = try await kept.answeredTrees(workflow, watch: watch, after: name, limit: limit)
    guard workflows.contains(workflow) else { return page }
    // Behind the end of a full page comes what the next one has.
    let end = page.count == limit ? page.last?.name : nil
    var trees = Dictionary(page.map { ($0.name, $0) }) { first, _ in first }
    for (tree, marker) in answered where tree.workflow == workflow && tree.watch == watch {
      if let name, tree.name <= name { continue }
      if let end, end < tree.name { continue }
      trees[tree.name] = marker.map { AnsweredTree(name: tree.name, marker: $0, hasFailed: false) }
    }
    let sorted = trees.values.sorted { $0.name < $1.name }
    if !sorted.isEmpty || end == nil { return Array(sorted.prefix(limit)) }
    // All of the page is gone: the next one may have some.
    return try await answeredTrees(workflow, watch: watch, after: end, limit: limit)
  }

  func latestRun(of tree: TreeID) async throws(Failure) -> Run? {
    if let run = runs.values.first(where: { $0.tree == tree }) { return run }
    return try await kept.latestRun(of: tree)
  }

  func run(_ id: RunID) async throws(Failure) -> Run? {
    if let run = runs[id] { return run }
    return try await kept.run(id)
  }

  /// What an earlier process left of a workflow with `dry_run` stays as it is.
  func unfinishedRuns() async throws(Failure) -> [Run] {
    try await kept.unfinishedRuns().filter { !workflows.contains($0.tree.workflow) }
  }
}

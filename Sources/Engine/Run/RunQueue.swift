import DequeModule
import SlipwayModel

/// The order in which runs start. Pure: of two trees of which one contains the other only one is in a run at a time,
/// the one that was ready first.
struct RunQueue {
  private(set) var ready: Deque<Run> = []
  private var readyTrees: Set<TreeID> = []
  private var readyCounts: [WorkflowName: Int] = [:]
  /// The trees of runs that are under way or wait.
  private var held: [RunID: TreeID] = [:]
  private var heldTrees = TreePaths()

  /// A tree stands in the queue once at most.
  mutating func add(_ run: Run) {
    guard readyTrees.insert(run.tree).inserted else { return }
    readyCounts[run.tree.workflow, default: 0] += 1
    ready.append(run)
  }

  /// Whether a run of the tree stands in the queue.
  func containsReady(_ tree: TreeID) -> Bool {
    readyTrees.contains(tree)
  }

  /// How many runs of the workflow stand in the queue.
  func readyCount(of workflow: WorkflowName) -> Int { readyCounts[workflow, default: 0] }

  /// How many are under way or wait.
  var heldCount: Int { held.count }

  /// Whether a run of the tree is under way or waits.
  func holds(_ tree: TreeID) -> Bool {
    heldTrees.overlaps(tree) && held.values.contains(tree)
  }

  /// The run of the tree that stands in the queue, or else one that is under way or waits.
  func run(of tree: TreeID) -> RunID? {
    ready.first { $0.tree == tree }?.id ?? held.first { $0.value == tree }?.key
  }

  /// In the queue, under way or waiting.
  func runs(of workflow: WorkflowName) -> [RunID] {
    let ready = ready.filter { $0.tree.workflow == workflow }.map(\.id)
    return (held.filter { $0.value.workflow == workflow }.keys + ready).sorted()
  }

  func overlapping(_ tree: TreeID) -> RunID? {
    heldTrees.overlaps(tree) ? held.first { $0.value.overlaps(tree) }?.key : nil
  }

  /// A run that stands in the queue leaves it.
  mutating func remove(_ id: RunID) -> Run? {
    ready.firstIndex { $0.id == id }.map { leaveReady(at: $0) }
  }

  private mutating func leaveReady(at index: Int) -> Run {
    let run = ready.remove(at: index)
    readyTrees.remove(run.tree)
    readyCounts[run.tree.workflow, default: 0] -= 1
    return run
  }

  /// Keeps the run's tree from every other run until `release`.
  mutating func hold(_ run: Run) {
    if held.updateValue(run.tree, forKey: run.id) == nil { heldTrees.insert(run.tree) }
  }

  mutating func release(_ id: RunID) {
    if let tree = held.removeValue(forKey: id) { heldTrees.remove(tree) }
  }

  /// The first run that `isAllowed` and whose tree is free, and holds it. An allowed run that has to wait for its tree
  /// keeps the later ones that overlap it waiting, too.
  mutating func takeNext(where isAllowed: (Run) -> Bool) -> Run? {
    // In two steps: what is being walked would be copied by a change.
    guard let index = firstFree(where: isAllowed) else { return nil }
    let run = leaveReady(at: index)
    hold(run)
    return run
  }

  private func firstFree(where isAllowed: (Run) -> Bool) -> Int? {
    var earlier = TreePaths()
    return ready.indices.first { index in
      guard isAllowed(ready[index]) else { return false }
      let tree = ready[index].tree
      if !heldTrees.overlaps(tree), !earlier.overlaps(tree) { return true }
      earlier.insert(tree)
      return false
    }
  }
}

/// Which trees contain one another, without comparing each with each: thousands may wait for a destination. Pure.
struct TreePaths {
  /// How often each was inserted.
  private var trees: [BytePath: Int] = [:]
  /// How many trees, and directories that stand here themselves, lie right in each directory.
  private var below: [BytePath: Int] = [:]

  mutating func insert(_ tree: TreeID) {
    trees[tree.path, default: 0] += 1
    var directory = tree.path
    // The first that stands here already has those above it standing, too.
    while case let parent = directory.parent, parent != directory {
      directory = parent
      below[directory, default: 0] += 1
      if below[directory] != 1 { return }
    }
  }

  /// Of one that was inserted.
  mutating func remove(_ tree: TreeID) {
    Self.takeOne(tree.path, from: &trees)
    var directory = tree.path
    while case let parent = directory.parent, parent != directory {
      directory = parent
      if !Self.takeOne(directory, from: &below) { return }
    }
  }

  /// Whether one of them contains `tree`, or lies in it.
  func overlaps(_ tree: TreeID) -> Bool {
    if trees.isEmpty { return false }
    let path = tree.path
    if trees[path] != nil || below[path] != nil { return true }
    var directory = path
    while case let parent = directory.parent, parent != directory {
      directory = parent
      if trees[directory] != nil { return true }
    }
    return false
  }

  /// Whether it was the last one.
  @discardableResult
  private static func takeOne(_ path: BytePath, from counts: inout [BytePath: Int]) -> Bool {
    let count = counts[path, default: 0] - 1
    counts[path] = count > 0 ? count : nil
    return count <= 0
  }
}

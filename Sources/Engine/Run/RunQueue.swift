import DequeModule
import SlipwayModel

/// The order in which runs start. Pure: of two trees of which one contains the other only one is in a run at a time,
/// the one that was ready first.
struct RunQueue {
  private(set) var ready: Deque<Run> = []
  private var readyTrees: Set<TreeID> = []
  /// The trees of runs that are under way or wait.
  private var held: [RunID: TreeID] = [:]

  /// A tree stands in the queue once at most.
  mutating func add(_ run: Run) {
    guard readyTrees.insert(run.tree).inserted else { return }
    ready.append(run)
  }

  /// Whether a run of the tree stands in the queue.
  func containsReady(_ tree: TreeID) -> Bool {
    readyTrees.contains(tree)
  }

  /// Whether a run of the tree is under way or waits.
  func holds(_ tree: TreeID) -> Bool {
    held.values.contains(tree)
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
    held.first { $0.value.overlaps(tree) }?.key
  }

  /// A run that stands in the queue leaves it.
  mutating func remove(_ id: RunID) {
    guard let index = ready.firstIndex(where: { $0.id == id }) else { return }
    readyTrees.remove(ready.remove(at: index).tree)
  }

  /// Keeps the run's tree from every other run until `release`.
  mutating func hold(_ run: Run) {
    held[run.id] = run.tree
  }

  mutating func release(_ id: RunID) {
    held[id] = nil
  }

  /// The first run that `isAllowed` and whose tree is free, and holds it. An allowed run that has to wait for its tree
  /// keeps the later ones that overlap it waiting, too.
  mutating func takeNext(where isAllowed: (Run) -> Bool) -> Run? {
    var earlier: [TreeID] = []
    for (index, run) in ready.enumerated() where isAllowed(run) {
      if !held.values.contains(where: run.tree.overlaps), !earlier.contains(where: run.tree.overlaps) {
        ready.remove(at: index)
        readyTrees.remove(run.tree)
        hold(run)
        return run
      }
      earlier.append(run.tree)
    }
    return nil
  }
}

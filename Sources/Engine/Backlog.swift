import DequeModule
import SlipwayModel

/// The runs that are not under way: which of them may begin or go on, and what the others wait for. Pure.
struct Backlog {
  enum Next {
    case begin(Run)
    case goOn(Run)
  }

  /// A run that goes on no more, and how it stood.
  enum Withheld {
    case ready(Run)
    case due(Run)
    case waiting(Run, RunState.Waiting)

    var run: Run {
      switch self {
      case .ready(let run), .due(let run), .waiting(let run, _): run
      }
    }
  }

  private var gates: [WorkflowName: IntakeGate]
  private var queue = RunQueue()
  private var due: Deque<Run> = []
  private var waiting: WaitingRuns
  /// Runs that wait for no time, but for a destination that is out.
  private var parked: [RunID: Run] = [:]
  /// Runs that take a place of their workflow's count, until they have ended.
  private var counted: [RunID: WorkflowName] = [:]
  /// Runs that had such a place when an engine before this one ended: they take it again.
  private var owed: Set<RunID>

  /// Under `--once` a run that a hook defers is left to the next process.
  init(_ workflows: [Workflow], leavesDeferred: Bool, after earlier: BegunTrees = BegunTrees()) {
    let taken = earlier.ended
    gates = Dictionary(
      uniqueKeysWithValues: workflows.map { ($0.name, IntakeGate(rule: $0.stop, taken: taken[$0.name] ?? 0)) })
    owed = earlier.underWay
    waiting = WaitingRuns(leavesDeferred: leavesDeferred)
  }

  // MARK: Intake

  func isOpen(_ workflow: WorkflowName) -> Bool { gates[workflow]?.isOpen == true }

  mutating func close(_ workflow: WorkflowName) { gates[workflow]?.close() }
  mutating func abort(_ workflow: WorkflowName) { gates[workflow]?.abort() }

  mutating func closeAll() {
    for name in gates.keys { gates[name]?.close() }
  }

  /// Whether a run of the tree is ready.
  func isReady(_ tree: TreeID) -> Bool { queue.containsReady(tree) }
  /// Whether a run of the tree is under way or waits.
  func holds(_ tree: TreeID) -> Bool { queue.holds(tree) }

  mutating func add(_ run: Run) { queue.add(run) }

  /// So many runs of a workflow may stand in the queue before an intake that can come back later does.
  static let readyMax = 4096
  /// And so many of all workflows may wait: for a destination that is out, or deferred by their hooks.
  static let heldMax = 65_536

  /// Whether such an intake may bring more.
  func hasRoom(for workflow: WorkflowName) -> Bool {
    queue.readyCount(of: workflow) < Self.readyMax && queue.heldCount < Self.heldMax
  }

  /// So many files of a queue stand here at most before they begin.
  static let claimedMax = 256

  /// How many more files of a queue may be claimed, by what stands in the queue and by the workflow's count.
  func claimable(of workflow: WorkflowName) -> Int {
    let places = gates[workflow]?.placesLeft ?? Self.claimedMax
    return min(Self.claimedMax, places) - queue.readyCount(of: workflow)
  }

  // MARK: What a person wants

  /// A run under way, or waiting, with a tree that contains this one or lies in it.
  func overlapping(_ tree: TreeID) -> RunID? { queue.overlapping(tree) }

  /// The run of exactly this tree that is ready, or else under way or waiting.
  func run(of tree: TreeID) -> RunID? { queue.run(of: tree) }
  /// Those that stand in the queue.
  var ready: Deque<Run> { queue.ready }
  /// All runs of a workflow.
  func runs(of workflow: WorkflowName) -> [RunID] { queue.runs(of: workflow) }
  /// Whether a tree that is taken in now would begin.
  func letsBegin(_ workflow: WorkflowName) -> Bool { gates[workflow]?.letsBegin == true }

  /// Runs that wait no longer, for a time or for a destination; they keep their trees.
  mutating func takeWaiting(where isWanted: (Run) -> Bool) -> [Run] {
    let wanted = parked.values.filter(isWanted)
    for run in wanted { parked[run.id] = nil }
    return (waiting.take(where: isWanted) + wanted).sorted { $0.id < $1.id }
  }

  /// Keeps the run's tree for it until it is ended.
  mutating func hold(_ run: Run) { queue.hold(run) }

  /// A run that is not under way goes on no more; it still keeps its tree, until it is ended or put back. nil if it is
  /// not here.
  mutating func withhold(_ id: RunID) -> Withheld? {
    if let run = queue.remove(id) { return .ready(run) }
    if let index = due.firstIndex(where: { $0.id == id }) { return .due(due.remove(at: index)) }
    if let (run, wait) = waiting.remove(id) { return .waiting(run, wait) }
    // It finds out by itself whether its destination is still out.
    return parked.removeValue(forKey: id).map { .due($0) }
  }

  mutating func putBack(_ withheld: Withheld) {
    switch withheld {
    case .ready(let run): add(run)
    case .due(let run): goOn(run)
    case .waiting(let run, let wait): self.wait(run, wait)
    }
  }

  // MARK: What an earlier process left

  mutating func resume(_ run: Run) {
    takeOwedPlace(run)
    queue.hold(run)
    due.append(run)
  }

  mutating func resume(_ run: Run, after wait: RunState.Waiting) {
    takeOwedPlace(run)
    queue.hold(run)
    waiting.add(run, wait)
  }

  /// It has ended without going on.
  mutating func abandon(_ run: Run) {
    takeOwedPlace(run)
    end(run)
  }

  private mutating func takeOwedPlace(_ run: Run) {
    if owed.remove(run.id) != nil { count(run) }
  }

  // MARK: Under way

  /// The next run that may go on or else begin; it is under way now.
  mutating func takeNext() -> Next? {
    if let index = due.firstIndex(where: mayResume) {
      let run = due.remove(at: index)
      count(run)
      return .goOn(run)
    }
    guard let run = queue.takeNext(where: { gates[$0.tree.workflow]?.letsBegin == true }) else { return nil }
    count(run)
    return .begin(run)
  }

  /// Runs of the workflow that may begin as well; they are under way now.
  mutating func takeMore(of workflow: WorkflowName, upTo limit: Int) -> [Run] {
    var runs: [Run] = []
    while runs.count < limit, gates[workflow]?.letsBegin == true,
      let run = queue.takeNext(where: { $0.tree.workflow == workflow })
    {
      count(run)
      runs.append(run)
    }
    return runs
  }

  private mutating func count(_ run: Run) {
    if counted.updateValue(run.tree.workflow, forKey: run.id) == nil { gates[run.tree.workflow]?.began() }
  }

  /// A run that was deferred has given its place back, and needs one again.
  private func mayResume(_ run: Run) -> Bool {
    counted[run.id] != nil || gates[run.tree.workflow]?.letsBegin == true
  }

  // MARK: No longer under way

  mutating func end(_ run: Run) {
    queue.release(run.id)
    let hasBegun = run.attempt > 0 || run.state == .failed
    if !hasBegun { giveBack(run) } else { counted[run.id] = nil }
  }

  mutating func wait(_ run: Run, _ wait: RunState.Waiting) {
    if wait.isDeferral { giveBack(run) }
    waiting.add(run, wait)
  }

  /// Until `unpark`.
  mutating func park(_ run: Run) { parked[run.id] = run }

  /// Without a wait.
  mutating func goOn(_ run: Run) { due.append(run) }

  private mutating func giveBack(_ run: Run) {
    if counted.removeValue(forKey: run.id) != nil { gates[run.tree.workflow]?.gaveBack() }
  }

  // MARK: Waiting

  /// When the first of those that wait for a time goes on; nil if none does in this process.
  var earliest: Timestamp? { waiting.earliest }

  mutating func wakeDue(at now: Timestamp) { due += waiting.takeDue(at: now) }

  mutating func unpark(_ runs: [RunID]) {
    for id in runs {
      if let run = parked.removeValue(forKey: id) { due.append(run) }
    }
  }

  // MARK: The end

  /// What the engine that comes next in this process has to count.
  var begun: BegunTrees {
    var ended = gates.mapValues(\.taken)
    for workflow in counted.values { ended[workflow, default: 0] -= 1 }
    return BegunTrees(ended: ended, underWay: Set(counted.keys))
  }

  /// Runs that wait, and those that were to begin.
  var unfinished: Int {
    let toBegin = queue.ready.count { gates[$0.tree.workflow]?.letsBegin == true }
    return waiting.count + parked.count + due.count + toBegin
  }

  /// Whether nothing is left that this process could do: runs that were deferred do not keep it, nor do those that are
  /// ready behind them. Whatever else is ready has just been started.
  var isOver: Bool {
    gates.values.allSatisfy(\.isOver) && parked.isEmpty && !due.contains(where: mayResume) && !waiting.holdRetry
  }
}

/// The trees that the engines of a process have begun: those are counted, not an engine's (`stop: {count: N}`).
struct BegunTrees: Sendable {
  var ended: [WorkflowName: Int] = [:]
  /// Each takes its place again if its run goes on.
  var underWay: Set<RunID> = []
}

import Logging
import SlipwayModel

/// One run under way: its row, and the rule that a changed row is committed before the next effect.
///
/// Belongs to the one task that drives the run.
final class RunSession {
  let context: WorkflowContext
  let ports: EnginePorts
  let shared: SharedRunState
  let log: RunLog
  private(set) var run: Run
  /// The destinations by which the latest attempt ended, because they are out.
  private(set) var out: Set<DestinationName> = []
  private var isDirty = false
  /// For the next commit.
  private var pending: [LedgerChange] = []

  init(_ run: Run, context: WorkflowContext, ports: EnginePorts, shared: SharedRunState, log: RunLog) {
    self.run = run
    self.context = context
    self.ports = ports
    self.shared = shared
    self.log = log
  }

  /// Moves the run in memory. What it returns is done only after `commit`.
  func apply(_ event: RunEvent) -> RunAction {
    isDirty = true
    return run.apply(
      event,
      in: TransitionContext(
        now: ports.clock.now(), retry: context.workflow.retry, jitter: Double.random(in: 0...1),
        countsBlocked: shared.countsBlocked))
  }

  /// The attempt ends because these destinations are out; none if they refuse this run alone.
  func blocked(by out: Set<DestinationName>) -> AttemptError {
    self.out = out
    guard !out.isEmpty, let outages = shared.outages else { return .blocked }
    // By now they may be back: then it goes on at once.
    return .out(until: outages.nextProbe(of: out.map { .init(of: run, $0) }) ?? ports.clock.now())
  }

  /// The marker that this start of the run answers: the one that lies there now, which may have been made anew since
  /// the run was queued.
  func answer(_ marker: MarkerIdentity) {
    isDirty = true
    run.marker = marker
  }

  /// The same with the next commit, for a tree without a marker: what its files were when the run saw them last. With
  /// nil it is to be looked at anew.
  func noteAnswer(_ marker: MarkerIdentity?) {
    // What is claimed is taken; nothing is compared.
    if workflow.intake.workingDirectory != nil { return }
    if let marker {
      // Both stand in the ledger, and change together.
      if run.marker == marker, !pending.contains(where: LedgerChange.answered(run.tree, marker).replaces) { return }
      answer(marker)
    }
    note(.answered(run.tree, marker))
  }

  /// For the next commit.
  func note(_ change: LedgerChange) {
    pending.removeAll { change.replaces($0) }
    pending.append(change)
  }

  /// Makes the row durable, with `changes` in the same commit; nothing if nothing has changed.
  func commit(_ changes: [LedgerChange] = []) async throws(Failure) {
    let changes = pending + changes
    guard isDirty || !changes.isEmpty else { return }
    try await ports.ledger.commit((isDirty ? [.run(run)] : []) + changes)
    isDirty = false
    pending = []
  }

  /// What `commit` would make durable, for a commit of several sessions together: taken as done.
  func takeChanges() -> [LedgerChange] {
    defer { (isDirty, pending) = (false, []) }
    return (isDirty ? [.run(run)] : []) + pending
  }

  /// The key of the tree itself at each destination.
  var stems: [(destination: DestinationName, key: ObjectKey)] {
    let mapping = context.mapping(for: run.tree, targetPrefix: run.fullTargetPrefix)
    // Of several watched directories each may be a tree.
    let own =
      run.tree.name == .here ? mapping.stem ?? run.fullTargetPrefix : mapping.key(for: run.tree.name).bytes
    return context.destinations.map { ($0.name, joinedKey($0.prefix, own)) }
  }

  var logger: Logger { log.logger }
  var workflow: Workflow { context.workflow }
  /// Where the tree lies.
  var place: BytePath { workflow.place(of: run.tree) }
  var planner: Planner { context.planner(for: run, ports) }

  /// What hooks are told as the tree: where files share a start of them, the directory in which the files lie.
  var toldTree: TreeID {
    let tree = run.tree
    return workflow.intake.hookBatch == nil ? tree : TreeID(workflow: tree.workflow, watch: tree.watch, name: .here)
  }

  var toldPlace: BytePath { workflow.intake.hookBatch == nil ? place : workflow.intake.workingDirectory ?? place }
}

extension LedgerChange {
  /// Both are answers, of one tree.
  fileprivate func replaces(_ other: LedgerChange) -> Bool {
    if case (.answered, .answered) = (self, other) { true } else { false }
  }
}

/// What all runs of a process share.
struct SharedRunState: Sendable {
  let slots: TransferSlots
  let stems: StemClaims
  let taken: TakenMarkers
  let claims: Claims
  let meter: TransferMeter
  /// Which destinations are out; nil where that uses up attempts like any other failure.
  var outages: OutageBoard?
  let grace: Duration
  let mirrors: MirrorBoard
  let openFiles: OpenFiles

  var countsBlocked: Bool { outages == nil }

  /// Who minds what a mirror leaves; nil in a process to which nobody tells of changes, which takes it as it is.
  var openFilesLeft: OpenFiles? { mirrors.isService ? openFiles : nil }

  /// The same for a run that does not wait for a destination that is out.
  var countingOutages: Self {
    var shared = self
    shared.outages = nil
    return shared
  }
}

/// How a stage of a run ended.
enum StageEnd: Sendable {
  case event(RunEvent)
  /// The task was cancelled: the row says where the next process goes on.
  case interrupted
}

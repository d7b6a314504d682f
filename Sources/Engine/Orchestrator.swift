import Logging
import SlipwayModel

/// The life of a process: takes trees in, starts their runs, lets them wait, and knows when it is over.
///
/// All its state is one actor's; the runs themselves work in tasks of their own.
public actor Orchestrator {
  public enum Mode: Sendable {
    /// Until it is stopped, or no workflow has an intake left.
    case service
    /// What is ready, what waits and what failed earlier; then the end.
    case once
  }

  /// How it went.
  public struct Summary: Sendable {
    /// Trees whose latest run of this process failed.
    public var failed: Set<TreeID> = []
    /// Runs that were begun or are ready, and have not ended.
    public var unfinished = 0
    /// Why it had to stop; nil if it ended by itself or was told to.
    public var fatal: Failure?
  }

  private let configuration: Configuration
  private let only: Set<WorkflowName>?
  private let ports: EnginePorts
  private let mode: Mode
  private let logger: Logger
  private let shared: SharedRunState
  private let contexts: [WorkflowName: WorkflowContext]
  private var gates: [WorkflowName: IntakeGate]

  private var queue = RunQueue()
  private var due: [Run] = []
  private var waiting: [RunID: (run: Run, until: RunState.Waiting)] = [:]
  private var tasks: [RunID: Task<Void, Never>] = [:]
  /// Runs that take a place of their workflow's count.
  private var counted: Set<RunID> = []
  private var failedTrees: Set<TreeID> = []
  private var interrupted = 0
  private var alarm: (task: Task<Void, Never>, until: Timestamp)?

  private var isStopping = false
  private var fatal: Failure?
  private var hasEnded = false
  private var ended: CheckedContinuation<Void, Never>?

  /// `only` names the workflows that this process runs; nil runs all. `failedBefore` are the trees that an engine before
  /// this one in the same process has left failed. Throws a permanent failure for a configuration
  /// that its check should have refused.
  public init(
    _ configuration: Configuration, only: Set<WorkflowName>? = nil, failedBefore: Set<TreeID> = [], ports: EnginePorts,
    mode: Mode, logger: Logger,
    meter: TransferMeter
  ) throws(Failure) {
    self.configuration = configuration
    self.only = only
    failedTrees = failedBefore
    self.ports = ports
    self.mode = mode
    self.logger = logger
    shared = SharedRunState(
      slots: TransferSlots(configuration.settings.transfers), stems: StemClaims(ledger: ports.ledger),
      taken: TakenMarkers(),
      meter: meter,
      countsBlocked: mode == .once, grace: configuration.settings.grace)
    var contexts: [WorkflowName: WorkflowContext] = [:]
    for workflow in configuration.workflows where only?.contains(workflow.name) ?? true {
      contexts[workflow.name] = try WorkflowContext(workflow, of: configuration, patterns: ports.patterns)
    }
    self.contexts = contexts
    gates = contexts.mapValues { IntakeGate(rule: $0.workflow.stop) }
  }

  // MARK: The whole

  /// Runs to the end. Called once.
  public func run() async -> Summary {
    let workflows = configuration.workflows.filter { contexts[$0.name] != nil }
    let intake = MarkerIntake(
      workflows: workflows, ports: ports, orchestrator: self, logger: logger, isOnce: mode == .once)
    let source = Task.detached(executorPreference: ports.fileExecutor) { await self.takeIn(intake, workflows) }
    await withCheckedContinuation { continuation in
      ended = continuation
      endIfOver()
    }
    alarm?.task.cancel()
    await ports.events.stop()
    await source.value
    return Summary(failed: failedTrees, unfinished: unfinished, fatal: fatal)
  }

  /// Ends the intake and lets what is under way go on for `drain`; then its tasks are cancelled, and the ledger says
  /// where they go on. May be called again: the second call does not wait.
  public func stop() {
    if isStopping { return cancelAll() }
    isStopping = true
    logger.notice("stopping", metadata: ["runs": "\(tasks.count)"])
    let deadline = ports.clock.now() + configuration.settings.drain
    Task {
      // A cancelled wait cancels at once, which is never wrong.
      try? await ports.clock.sleep(until: deadline)
      cancelAll()
    }
    endIfOver()
  }

  private func cancelAll() {
    for task in tasks.values { task.cancel() }
  }

  /// The process must not go on: nothing more is begun, and what is under way is cancelled.
  func stop(for failure: Failure) {
    // What is said by a source that was stopped because all is over.
    if hasEnded { return }
    if fatal == nil {
      fatal = failure
      logger.critical("\(failure.message)")
    }
    isStopping = true
    cancelAll()
    endIfOver()
  }

  private nonisolated func takeIn(_ intake: MarkerIntake, _ workflows: [Workflow]) async {
    do throws(Failure) {
      try await intake.begin()
      try await recover()
      switch mode {
      case .once: try await intake.scan(workflows)
      case .service: try await watch(intake, workflows)
      }
    } catch {
      return await stop(for: error)
    }
    if mode == .once { await closeAll() }
  }

  private nonisolated func watch(_ intake: MarkerIntake, _ workflows: [Workflow]) async throws(Failure) {
    let directories = workflows.flatMap { $0.watch.map(\.path) }
    try await ports.events.start(directories, interest: intake.interest)
    while let events = await ports.events.next() { try await intake.handle(events) }
  }

  // MARK: Intake

  func isOpen(_ workflow: WorkflowName) -> Bool {
    !isStopping && gates[workflow]?.isOpen == true
  }

  func isQueued(_ tree: TreeID) -> Bool {
    queue.containsReady(tree)
  }

  /// Whether another run has answered its marker since that was looked at.
  func wasTaken(_ run: Run) -> Bool {
    shared.taken.contains(run.marker, of: run.tree)
  }

  /// Takes a run that has been committed as ready.
  func admit(_ run: Run) {
    logger.info(
      "tree ready",
      metadata: ["workflow": "\(run.tree.workflow)", "tree": "\(run.tree.path)", "run": "\(run.id)"])
    queue.add(run)
    pump()
  }

  func closeIntake(of workflow: WorkflowName) {
    logger.notice("the intake is complete", metadata: ["workflow": "\(workflow)"])
    gates[workflow]?.close()
    pump()
  }

  func abortIntake(of workflow: WorkflowName) {
    logger.notice("the intake is aborted", metadata: ["workflow": "\(workflow)"])
    gates[workflow]?.abort()
    pump()
  }

  private func closeAll() {
    for name in gates.keys { gates[name]?.close() }
    pump()
  }

  private func recover() async throws(Failure) {
    for run in try await ports.ledger.unfinishedRuns() {
      switch RecoveryDecision.make(for: run, configuration: configuration, only: only, isOnce: mode == .once) {
      case .leave: continue
      case .enqueue: queue.add(run)
      case .resume:
        queue.hold(run)
        due.append(run)
      case .wait(let waiting):
        queue.hold(run)
        self.waiting[run.id] = (run, waiting)
      case .abandon(let why):
        var run = run
        run.abandon(why, at: ports.clock.now())
        logger.error("run failed: \(why)", metadata: ["run": "\(run.id)", "tree": "\(run.tree.path)"])
        try await ports.ledger.commit([.run(run)])
        failedTrees.insert(run.tree)
      }
    }
    setAlarm()
    pump()
  }

  // MARK: Runs

  /// Starts what may start.
  private func pump() {
    while !isStopping, tasks.count < configuration.settings.trees, let run = nextToResume() {
      launch(run) { driver, run throws(Failure) in try await driver.resume(run) }
    }
    while !isStopping, tasks.count < configuration.settings.trees,
      let run = queue.takeNext(where: { gates[$0.tree.workflow]?.letsBegin == true })
    {
      launch(run) { driver, run throws(Failure) in try await driver.start(run) }
    }
    endIfOver()
  }

  private func nextToResume() -> Run? {
    due.firstIndex(where: mayResume).map { due.remove(at: $0) }
  }

  /// A run that was put off has given its place back, and needs one again.
  private func mayResume(_ run: Run) -> Bool {
    counted.contains(run.id) || gates[run.tree.workflow]?.letsBegin == true
  }

  private func launch(
    _ run: Run, _ drive: @escaping @Sendable (RunDriver, Run) async throws(Failure) -> RunDriver.Ending
  ) {
    guard let context = contexts[run.tree.workflow] else { return }
    if counted.insert(run.id).inserted { gates[run.tree.workflow]?.began() }
    let driver = RunDriver(context: context, ports: ports, shared: shared, logger: logger)
    tasks[run.id] = Task.detached(executorPreference: ports.fileExecutor) {
      do throws(Failure) {
        await self.left(run.id, try await drive(driver, run))
      } catch {
        // In this order: without tasks it may be over.
        await self.stop(for: error)
        await self.left(run.id, .interrupted(run))
      }
    }
  }

  private func left(_ id: RunID, _ ending: RunDriver.Ending) {
    tasks[id] = nil
    switch ending {
    case .interrupted: interrupted += 1
    case .ended(let run):
      queue.release(id)
      if run.state == .failed { failedTrees.insert(run.tree) }
      if run.state == .done { failedTrees.remove(run.tree) }
    case .waiting(let run, let wait):
      if wait.isDeferral, counted.remove(id) != nil { gates[run.tree.workflow]?.wasPutOff() }
      waiting[id] = (run, wait)
      setAlarm()
    }
    pump()
  }

  // MARK: Waiting

  /// One timer for all that waits: for the earliest.
  private func setAlarm() {
    guard let earliest = waiting.values.filter({ isAwaited($0.until) }).map(\.until.until).min() else { return }
    if let alarm, alarm.until <= earliest { return }
    alarm?.task.cancel()
    let clock = ports.clock
    let task = Task {
      do throws(CancellationError) {
        try await clock.sleep(until: earliest)
        ring()
      } catch {
        // Another alarm has taken its place.
      }
    }
    alarm = (task, earliest)
  }

  private func ring() {
    alarm = nil
    let now = ports.clock.now()
    let over = waiting.values.filter { $0.until.until <= now && isAwaited($0.until) }.map(\.run)
    for run in over.sorted(by: { $0.id < $1.id }) {
      waiting[run.id] = nil
      due.append(run)
    }
    setAlarm()
    pump()
  }

  /// Under `--once` a run that a hook puts off is left to the next process.
  private func isAwaited(_ wait: RunState.Waiting) -> Bool {
    !(wait.isDeferral && mode == .once)
  }

  // MARK: The end

  private var unfinished: Int {
    interrupted + waiting.count + due.count + queue.ready.count + tasks.count
  }

  private func endIfOver() {
    guard tasks.isEmpty, isStopping || isOver, ended != nil else { return }
    hasEnded = true
    ended?.resume()
    ended = nil
  }

  /// Whether nothing is left that this process could do: runs that were put off do not keep it.
  private var isOver: Bool {
    let hasIntake = gates.contains { name, gate in
      !gate.isOver(hasReady: queue.ready.contains { $0.tree.workflow == name })
    }
    let awaitsRun = waiting.values.contains { !$0.until.isDeferral }
    return !hasIntake && !due.contains(where: mayResume) && !awaitsRun
  }
}

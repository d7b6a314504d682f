import Logging
import SlipwayModel

/// The life of a process: takes trees in, starts their runs, lets them wait, and knows when it is over.
///
/// All its state is one actor's; the runs themselves work in tasks of their own.
public actor Orchestrator {
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
  private var waiting: WaitingRuns
  private var tasks: [RunID: Task<Void, Never>] = [:]
  /// Runs that take a place of their workflow's count, until they have ended.
  private var counted: Set<RunID> = []
  private var failedTrees: Set<TreeID> = []
  /// What could not be looked at for trees.
  private var unseen = 0
  private var interrupted = 0
  private var alarm = Alarm()
  /// Ends what runs of earlier processes have left at their destinations.
  private var reaping: Task<Void, Never>?

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
    waiting = WaitingRuns(leavesDeferred: mode == .once)
    shared = SharedRunState(
      slots: TransferSlots(configuration), stems: StemClaims(ledger: ports.ledger),
      taken: TakenMarkers(),
      meter: meter,
      countsBlocked: mode == .once, grace: configuration.settings.grace)
    let contexts = try WorkflowContext.all(of: configuration, only, patterns: ports.patterns)
    self.contexts = Dictionary(uniqueKeysWithValues: contexts.map { ($0.workflow.name, $0) })
    gates = self.contexts.mapValues { IntakeGate(rule: $0.workflow.stop) }
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
      pump()
    }
    alarm.cancel()
    await ports.events.stop()
    await source.value
    await reaping?.value
    return Summary(failed: failedTrees, unseen: unseen, unfinished: unfinished, fatal: fatal)
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
    reaping?.cancel()
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
      await reap()
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

  /// Whether a run of the tree has failed in this process, or is under way.
  func hasTried(_ tree: TreeID) -> Bool {
    failedTrees.contains(tree) || queue.holds(tree)
  }

  /// Something could not be looked at. The service finds it later; a process that looks once has missed it.
  func couldNotLook() {
    if mode == .once { unseen += 1 }
  }

  /// Whether another run has answered its marker since the intake looked at it.
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
        try await forgetUnsettled(run)
        queue.hold(run)
        due.append(run)
      case .wait(let waiting):
        try await forgetUnsettled(run)
        queue.hold(run)
        self.waiting.add(run, waiting)
      case .abandon(let why): try await abandon(run, why)
      }
    }
    setAlarm()
    pump()
  }

  /// Beside the runs: a destination that is not there holds nobody up.
  private func reap() {
    let reaper = UploadReaper(ports: ports, logger: logger)
    reaping = Task.detached(executorPreference: ports.fileExecutor) {
      do throws(Failure) { try await reaper.reap(nil) } catch { await self.stop(for: error) }
    }
  }

  /// The machine has been started anew since: what a directory was given and had not settled may be gone with its
  /// power, although the ledger's rows are not.
  private func forgetUnsettled(_ run: Run) async throws(Failure) {
    guard RecoveryDecision.hasLostUnsettled(run, machineStarted: ports.machineStarted),
      let directories = contexts[run.tree.workflow]?.destinations.filter(\.isDirectory), !directories.isEmpty
    else { return }
    try await ports.ledger.commit(directories.map { .forgetDestination(run.id, $0.name) })
  }

  private func abandon(_ run: Run, _ why: String) async throws(Failure) {
    var run = run
    run.abandon(why, at: ports.clock.now())
    logger.error("run failed: \(why)", metadata: ["run": "\(run.id)", "tree": "\(run.tree.path)"])
    try await ports.ledger.commit([.run(run)])
    failedTrees.insert(run.tree)
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
      let hasBegun = run.attempt > 0 || run.state == .failed
      if counted.remove(id) != nil, !hasBegun { gates[run.tree.workflow]?.gaveBack() }
    case .waiting(let run, let wait):
      if wait.isDeferral, counted.remove(id) != nil { gates[run.tree.workflow]?.gaveBack() }
      waiting.add(run, wait)
      setAlarm()
    }
    pump()
  }

  // MARK: Waiting

  private func setAlarm() {
    alarm.set(for: waiting.earliest, ports.clock) { await self.ring() }
  }

  private func ring() {
    alarm.reset()
    due += waiting.takeDue(at: ports.clock.now())
    setAlarm()
    pump()
  }

  // MARK: The end

  private var unfinished: Int {
    let toBegin = queue.ready.count { gates[$0.tree.workflow]?.letsBegin == true }
    return interrupted + waiting.count + due.count + toBegin + tasks.count
  }

  private func endIfOver() {
    guard tasks.isEmpty, isStopping || isOver, ended != nil else { return }
    hasEnded = true
    ended?.resume()
    ended = nil
  }

  /// Whether nothing is left that this process could do: runs that were put off do not keep it, nor do those that are
  /// ready behind them. Whatever else is ready has just been started.
  private var isOver: Bool {
    gates.values.allSatisfy(\.isOver) && !due.contains(where: mayResume) && !waiting.holdRetry
  }
}

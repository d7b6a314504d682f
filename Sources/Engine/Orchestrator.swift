import Logging
import SlipwayModel

/// The life of a process: takes trees in, starts their runs, lets them wait, and knows when it is over.
///
/// All its state is one actor's; the runs themselves work in tasks of their own.
public actor Orchestrator {
  let configuration: Configuration
  let only: Set<WorkflowName>?
  let ports: EnginePorts
  let mode: Mode
  let logger: Logger
  let shared: SharedRunState
  let contexts: [WorkflowName: WorkflowContext]

  var backlog: Backlog
  var tasks: [RunID: Task<Void, Never>] = [:]
  /// So many runs under way share another one's task.
  var inBatches = 0
  /// Runs under way whose task has been cancelled because somebody wants them ended, and how they were left.
  var cancelling: Set<RunID> = []
  var withheld: [RunID: Backlog.Withheld] = [:]
  /// Runs that somebody waits for: a destination that is out uses up their attempts.
  var pushed: Set<RunID> = []
  /// Those that this process was started for, and their trees as far as an earlier process has left a run of them.
  var ownRuns: [RunID] = []
  var leftTrees: Set<TreeID> = []
  /// Wishes that are being done: the process does not end before they are.
  var requests = 0
  /// Wishes that came before what an earlier process left was known; nil from then on.
  var early: [CheckedContinuation<Void, Never>]? = []
  var failedTrees: Set<TreeID> = []
  /// What could not be looked at for trees.
  private(set) var unseen = 0
  /// What takes trees in; and whether it came to its end before a stop, where it has one.
  private var source: Task<Void, Never>?
  private(set) var hasLookedAtAll = false
  var interrupted = 0
  var alarm = Alarm()
  /// Ends what runs of earlier processes have left at their destinations.
  var reaping: Task<Void, Never>?
  var sweeping: Task<Void, Never>?
  var pruning: Task<Void, Never>?
  /// nil again in the end: the two hold one another.
  private(set) var intakes: Intakes?
  /// So many trees whose runs are over are being looked at.
  var looks = 0
  var looksEnded: CheckedContinuation<Void, Never>?
  var watchTroubles = WatchTroubles()
  /// What was told about trees without a marker while they were in a run.
  var touched = TouchedTrees()
  var waitingForRoom: [(workflow: WorkflowName, continuation: CheckedContinuation<Bool, Never>)] = []

  private(set) var isStopping = false
  private var draining: Task<Void, Never>?
  var fatal: Failure?
  private(set) var hasEnded = false
  private var ended: CheckedContinuation<Void, Never>?

  /// `only` names the workflows that this process runs; nil runs all. `earlier` tells how the engine before this one in
  /// the same process has ended. Throws a permanent failure for a configuration that its check should have refused.
  public init(
    _ configuration: Configuration, only: Set<WorkflowName>? = nil, after earlier: Summary = Summary(),
    ports: EnginePorts, mode: Mode, logger: Logger, meter: TransferMeter
  ) throws(Failure) {
    self.configuration = configuration
    self.only = only
    (failedTrees, pushed) = (earlier.failed, earlier.awaited)
    self.mode = mode
    self.logger = logger
    let contexts = try WorkflowContext.all(of: configuration, only, patterns: ports.patterns)
    self.contexts = Dictionary(uniqueKeysWithValues: contexts.map { ($0.workflow.name, $0) })
    let workflows = contexts.map(\.workflow)
    self.ports = Self.keepingNothing(of: workflows.filter(\.isDryRun), ports)
    backlog = Backlog(workflows, leavesDeferred: mode != .service, after: earlier.begun)
    shared = SharedRunState(
      slots: TransferSlots(configuration), stems: StemClaims(ledger: ports.ledger),
      taken: TakenMarkers(), claims: Claims(ports.files, queues: workflows.count { $0.claims }),
      meter: meter,
      outages: mode == .service ? OutageBoard(workflows, clock: ports.clock, logger: logger) : nil,
      grace: configuration.settings.grace, mirrors: MirrorBoard(isService: mode == .service),
      openFiles: OpenFiles(
        isService: mode == .service, longest: configuration.settings.poll, clock: ports.clock, logger: logger))
  }

  // MARK: The whole

  /// Runs to the end. Called once.
  public func run() async -> Summary {
    let bench = IntakeBench(
      ports: ports, orchestrator: self, logger: logger, isOnce: mode != .service, mirrors: shared.mirrors,
      openFiles: shared.openFiles,
      missedLooks: MissedLooks(from: configuration.settings.poll, to: configuration.settings.rescan))
    let intakes = Intakes(configuration.workflows.compactMap { contexts[$0.name] }, bench)
    self.intakes = intakes
    shared.openFiles.start { [weak self] in await self?.lookAgain(at: $0) }
    let source = Task.detached(executorPreference: ports.fileExecutor) { await self.takeIn(intakes) }
    self.source = source
    if isStopping { stopLooking() }
    let outages = Task { await self.followOutages() }
    await withCheckedContinuation { continuation in
      ended = continuation
      pump()
    }
    alarm.cancel()
    shared.openFiles.stop()
    outages.cancel()
    await ports.events.stop()
    await source.value
    await intakes.stop()
    await letLooksEnd()
    await endUpkeep()
    letGo()
    return summary
  }

  /// Nothing of this engine is in the way of one that comes after it.
  private func letGo() {
    draining?.cancel()
    intakes = nil
    shared.claims.releaseAll()
  }

  /// Ends the intake and lets what is under way go on for `drain`; then its tasks are cancelled, and the ledger says
  /// where they go on. May be called again: the second call does not wait.
  public func stop() {
    if isStopping { return cancelAll() }
    isStopping = true
    stopLooking()
    logger.notice("stopping", metadata: ["runs": "\(tasks.count)"])
    let deadline = ports.clock.now() + configuration.settings.drain
    draining = Task {
      // It is cancelled when all is over, and finds nothing to cancel then.
      try? await ports.clock.sleep(until: deadline)
      cancelAll()
    }
    endIfOver()
  }

  /// A service's source ends with its events.
  private func stopLooking() {
    if mode != .service { source?.cancel() }
  }

  private func cancelAll() {
    for task in tasks.values { task.cancel() }
    reaping?.cancel()
    sweeping?.cancel()
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
    stopLooking()
    cancelAll()
    endIfOver()
  }

  private nonisolated func takeIn(_ intakes: Intakes) async {
    do throws(Failure) {
      try await intakes.begin()
      try await recover()
      await letRequestsIn()
      await reap()
      if mode == .service { await sweep() }
      await pruneHistory()
      switch mode {
      case .once: try await intakes.scan()
      case .push(let trees): try await takeOwn(trees, intakes)
      case .service: try await watch(intakes)
      }
    } catch {
      await stop(for: error)
      return await letRequestsIn()
    }
    if mode != .service { await closeAll() }
  }

  private nonisolated func watch(_ intakes: Intakes) async throws(Failure) {
    let directories = configuration.workflows.filter { contexts[$0.name] != nil }.flatMap { $0.watch.map(\.path) }
    try await ports.events.start(directories, interest: intakes.interest)
    while let events = await ports.events.next() { try await intakes.handle(events) }
  }

  // MARK: Intake

  func isOpen(_ workflow: WorkflowName) -> Bool {
    !isStopping && backlog.isOpen(workflow)
  }

  func isQueued(_ tree: TreeID) -> Bool {
    backlog.isReady(tree)
  }

  /// Whether a run of the tree has failed in this process, or is under way.
  func hasTried(_ tree: TreeID) -> Bool {
    failedTrees.contains(tree) || backlog.holds(tree)
  }

  /// What a source of events says of itself.
  func note(_ event: TreeEvent) { watchTroubles.note(event) }

  /// Something could not be looked at. The service finds it later; a process that looks once has missed it.
  func couldNotLook() {
    if mode != .service { unseen += 1 }
  }

  /// Whether another run has answered its marker since the intake looked at it.
  func wasTaken(_ run: Run) -> Bool {
    shared.taken.contains(run.marker, of: run.tree)
  }

  /// Takes a run that has been committed as ready.
  func admit(_ run: Run) { admit([run]) }

  func admit(_ runs: [Run], isPushed: Bool = false) {
    if isPushed { pushed.formUnion(runs.map(\.id)) }
    let areMany = runs.count > FileBatch.toldMax
    if areMany { logger.info("trees ready: \(runs.count)", metadata: ["workflow": "\(runs[0].tree.workflow)"]) }
    for run in runs {
      logger.log(
        level: areMany ? .debug : .info, "tree ready",
        metadata: ["workflow": "\(run.tree.workflow)", "tree": "\(run.tree.path)", "run": "\(run.id)"])
      backlog.add(run)
    }
    pump()
  }

  private func closeAll() {
    hasLookedAtAll = !isStopping
    backlog.closeAll()
    pump()
  }

  // MARK: Runs

  /// Starts what may start.
  func pump() {
    while !isStopping, !hasEnded, tasks.count - inBatches < configuration.settings.trees,
      let next = backlog.takeNext()
    {
      switch next {
      case .goOn(let run): launch(run) { driver, run throws(Failure) in try await driver.resume(run) }
      case .begin(let run) where isForBatch(run): launchBatch(from: run)
      case .begin(let run): launch(run) { driver, run throws(Failure) in try await driver.start(run) }
      }
    }
    endIfOver()
  }

  private func launch(
    _ run: Run, _ drive: @escaping @Sendable (RunDriver, Run) async throws(Failure) -> RunDriver.Ending
  ) {
    guard let context = contexts[run.tree.workflow] else { return }
    if context.workflow.isDryRun { return launchDryRun(run, context) }
    let shared = pushed.contains(run.id) ? self.shared.countingOutages : self.shared
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

  func left(_ id: RunID, _ ending: RunDriver.Ending) {
    note(ending, of: id)
    setAlarm()
    pump()
  }

  // MARK: The end

  func endIfOver() {
    letIntakesOn()
    // Nothing is over before it is known what was left.
    let isOver = isStopping || early == nil && backlog.isOver
    guard tasks.isEmpty, requests == 0, isOver, ended != nil else { return }
    hasEnded = true
    ended?.resume()
    ended = nil
    letIntakesOn()
  }
}

import SlipwayModel

/// What a person wants of single runs, while this process is under way.
extension Orchestrator: RunControl {
  public func allFailed() async throws(Failure) -> [RunID] {
    try await RunRequests(ports: ports, logger: logger).allFailed()
  }

  /// A failed run goes on where it failed, now. Refused like `RunRequests.retry`, and where its workflow is not run by
  /// this process.
  public func retry(_ id: RunID) async throws(Failure) -> Run {
    try await begin()
    defer { end() }
    try await letGo([id])
    let requests = RunRequests(ports: ports, logger: logger)
    var run = try await requests.retryable(id)
    guard let context = contexts[run.tree.workflow] else { throw RunRefusal.notRunHere(run) }
    if context.workflow.isDryRun { throw RunRefusal.isDryRun("retry a run of", run.tree.workflow) }
    // Since the look at the ledger a run may have begun whose row says nothing of it yet.
    if let other = backlog.overlapping(run.tree) { throw RunRefusal.treeIsTaken(run, by: other) }
    backlog.hold(run)
    do throws(Failure) {
      run = try await requests.commitRetry(run)
    } catch {
      giveBack(run)
      throw error
    }
    failedTrees.remove(run.tree)
    backlog.goOn(run)
    return run
  }

  /// Ends a run that is not over; one that is under way is stopped first, its hook with it.
  public func cancel(_ id: RunID) async throws(Failure) -> CancelledRun {
    try await begin()
    defer { end() }
    let left = await withhold(id)
    let cancelled: CancelledRun
    do throws(Failure) {
      cancelled = try await RunRequests(ports: ports, logger: logger).cancel(id, unrecorded: left?.run)
    } catch {
      if let left {
        shared.outages?.left(id, isOver: false)
        backlog.putBack(left)
      }
      throw error
    }
    setAside(cancelled.run)
    giveBack(cancelled.run)
    pushed.remove(id)
    shared.outages?.left(id, isOver: true)
    return cancelled
  }

  /// nil for a run that has ended, or is not here.
  private func withhold(_ id: RunID) async -> Backlog.Withheld? {
    guard let task = tasks[id] else { return backlog.withhold(id) }
    cancelling.insert(id)
    task.cancel()
    await task.value
    cancelling.remove(id)
    return withheld.removeValue(forKey: id)
  }

  private func setAside(_ run: Run) {
    guard let context = contexts[run.tree.workflow] else { return }
    let driver = RunDriver(context: context, ports: ports, shared: shared, logger: logger)
    QueueDisposal(driver.session(for: run))?.cancel()
  }

  /// From here to `end` the process does not end. Waits until it is known what an earlier process left.
  func begin() async throws(Failure) {
    requests += 1
    if early != nil { await withCheckedContinuation { early?.append($0) } }
    if let failure = fatal ?? (hasEnded ? RunRefusal.ending : nil) {
      end()
      throw failure
    }
  }

  func letRequestsIn() {
    for waiting in early ?? [] { waiting.resume() }
    early = nil
    endIfOver()
  }

  /// What has been done may let others begin, or be the last that this process was to do.
  func end() {
    requests -= 1
    wake(at: ports.clock.now())
  }
}

import Logging
import SlipwayModel

/// Drives one run from its first event to a wait or its end: each stage acts, its event moves the run, the row is
/// committed before the next stage has an effect.
struct RunDriver: Sendable {
  let context: WorkflowContext
  let ports: EnginePorts
  let shared: SharedRunState
  let logger: Logger

  enum Ending: Sendable {
    case ended(Run)
    /// For its time or, if destinations are named, until one of them is no longer out.
    case waiting(Run, RunState.Waiting, out: Set<DestinationName>)
    /// The task was cancelled; the ledger says where the run goes on.
    case interrupted(Run)

    var isOver: Bool {
      if case .ended = self { true } else { false }
    }
  }

  /// Starts a run that is `ready`. Its marker is looked at once more: a marker that has gone withdraws it.
  func start(_ run: Run) async throws(Failure) -> Ending {
    // Another run may have taken the tree since it was queued.
    guard let run = try await recorded(run), run.state == .ready else { return .ended(run) }
    let session = session(for: run)
    let started = RunEvent.started(targetPrefix: context.evaluatedPrefix(for: run, ports: ports))
    do throws(Failure) {
      if let ending = try await withdrawnUnready(session, isNew: true) { return ending }
      if let path = markerPath(of: run.tree) {
        let marker = try ports.files.marker(at: path)?.identity
        // One that was made ready by hand has no marker to lose.
        if run.marker != nil {
          if marker == nil { return try await withdraw(session) }
          if shared.taken.contains(marker, of: run.tree) {
            return try await withdraw(session, "its marker was answered by another run", [])
          }
        }
        if let marker { try await answer(marker, session) }
      }
    } catch {
      if error.kind == .fatal { throw error }
      if error.kind == .permanent { return try await drive(session, .impossible(error.message)) }
      _ = session.apply(started)
      return try await drive(session, .attemptFailed(error.message, error.attemptError))
    }
    if context.workflow.sparesUploads { session.note(.inheritUploads(session.run.id)) }
    session.logger.info("run started")
    return try await drive(session, started)
  }

  /// The run as the ledger has it. Of a file of a queue the claim may be all there is.
  private func recorded(_ run: Run) async throws(Failure) -> Run? {
    if let known = try await ports.ledger.run(run.id) { return known }
    return context.workflow.isSentInBatches ? run : nil
  }

  /// A marker that was made anew while the run stood in the queue asks for no other run; the intake may be looking at
  /// it just now.
  private func answer(_ marker: MarkerIdentity, _ session: RunSession) async throws(Failure) {
    guard session.run.marker != marker else { return }
    shared.taken.note([(session.run.tree, marker)])
    session.answer(marker)
    try await session.commit([.answered(session.run.tree, marker)])
  }

  /// Goes on with a run that waited, or that an earlier process left.
  func resume(_ run: Run) async throws(Failure) -> Ending {
    let session = session(for: run)
    do throws(Failure) {
      let hasToRead = run.stageToResume == .prepare || run.stageToResume == .upload
      if hasToRead, let ending = try await withdrawnUnready(session, isNew: false) { return ending }
    } catch {
      // The attempt meets the same error, and tells it.
      if error.kind == .fatal { throw error }
    }
    session.logger.info("run goes on", metadata: ["state": "\(run.state.name)"])
    // One that could not even begin, and is retried, has no keys yet.
    if run.targetPrefix == nil {
      return try await drive(session, .started(targetPrefix: context.evaluatedPrefix(for: run, ports: ports)))
    }
    return try await drive(session, .resumed)
  }

  func session(for run: Run) -> RunSession {
    let log = RunLog(base: logger, run: run.id, tree: run.tree)
    return RunSession(run, context: context, ports: ports, shared: shared, log: log)
  }

  private func markerPath(of tree: TreeID) -> BytePath? {
    context.workflow.intake.markerName.map(tree.path.appending)
  }

  func drive(_ session: RunSession, _ first: RunEvent) async throws(Failure) -> Ending {
    var event = first
    while true {
      let action = session.apply(event)
      switch action {
      case .wait(let until):
        try await session.commit()
        return waiting(session, until)
      case .end:
        // Before the commit: nobody looks for them once the run is over.
        removeFiles(session)
        try await session.commit(markerAfterEnd(session))
        try await UploadReaper(ports: ports, logger: session.logger).reap(session.run.id)
        QueueDisposal(session)?.letGo()
        tellEnd(session)
        return .ended(session.run)
      case .prepare, .upload, .finish, .retire:
        if Task.isCancelled {
          try await session.commit()
          return .interrupted(session.run)
        }
        if action == .upload, let ending = try await withdrawnStolen(session) { return ending }
        switch try await perform(action, session, isContinued: event == .resumed) {
        case .interrupted: return .interrupted(session.run)
        case .event(let next): event = next
        }
      }
    }
  }

  private func perform(
    _ action: RunAction, _ session: RunSession, isContinued: Bool
  ) async throws(Failure) -> StageEnd {
    switch action {
    case .prepare: try await PreHookStage(session: session).perform()
    case .upload: try await UploadStage(session: session, isContinued: isContinued).perform()
    case .finish: try await PostHookStage(session: session).perform()
    case .retire: try await RetireStage(session: session, isContinued: isContinued).perform()
    case .wait, .end: .interrupted
    }
  }

  /// A marker that was disposed of with its tree is gone, whether or not an event tells.
  private func markerAfterEnd(_ session: RunSession) -> [LedgerChange] {
    let after = session.workflow.after
    let disposal = session.run.outcome == .failure ? after.failure : after.success
    if session.workflow.intake.workingDirectory != nil {
      return after.failure == .resubmit && disposal != .resubmit ? [.answered(session.run.tree, nil)] : []
    }
    guard session.run.outcome != nil, disposal != .keep, isGone(session.run.tree) else { return [] }
    return [.answered(session.run.tree, nil)]
  }

  /// What cannot be told now, the next scan tells.
  private func isGone(_ tree: TreeID) -> Bool {
    if let path = markerPath(of: tree) {
      if case .some(.none) = try? ports.files.marker(at: path) { return true }
      return false
    }
    do throws(Failure) { _ = try ports.files.walk(tree.path) } catch { return error.code == "ENOENT" }
    return false
  }

  private func waiting(_ session: RunSession, _ until: Timestamp) -> Ending {
    guard case .waiting(let waiting) = session.run.state else { return .interrupted(session.run) }
    if session.out.isEmpty {
      let seconds = (until - ports.clock.now()).components.seconds
      session.logger.warning(
        "\(waiting.isDeferral ? "deferred" : "attempt failed"), again in \(max(0, seconds)) s: \(waiting.why)")
    } else {
      // The outage itself is told once, not for each run.
      session.logger.info("waits: \(waiting.why)")
    }
    return .waiting(session.run, waiting, out: session.out)
  }

  func removeFiles(_ session: RunSession) {
    do throws(Failure) {
      try ports.runFiles.remove(session.run.id)
    } catch {
      session.logger.warning("\(error.message)")
    }
  }

  private func tellEnd(_ session: RunSession) {
    switch session.run.state {
    case .failed: session.logger.error("run failed: \(session.run.error)")
    case .skipped, .cancelled: session.logger.notice("run \(session.run.state.name): \(session.run.error)")
    default: session.logger.notice("run done")
    }
  }
}

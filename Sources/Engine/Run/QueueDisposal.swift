import Logging
import SlipwayModel

/// What becomes of a file of a queue once its run is over.
struct QueueDisposal {
  let session: RunSession
  let working: BytePath

  /// nil for a workflow that is no queue.
  init?(_ session: RunSession) {
    guard let working = session.workflow.intake.workingDirectory else { return nil }
    self.session = session
    self.working = working
  }

  private var run: Run { session.run }
  private var name: BytePath { session.run.tree.name }
  private var files: any TreeFiles { session.ports.files }

  /// `isContinued` says that an earlier try, perhaps of a process that died in it, has been here.
  func perform(_ disposal: After.Disposal, isContinued: Bool) async throws(Failure) -> RunEvent {
    guard try session.shared.claims.holds(run, in: working),
      let state = try files.state(of: .here, in: session.place)
    else {
      // An earlier try got that far; or another process has taken it up since, and disposes of it.
      session.logger.debug("the file is no longer here")
      return .retired
    }
    if state.isOpenForWriting == true, disposal != .resubmit { return leave("\(session.place) is being written again") }
    if run.outcome == .failure {
      if isContinued, try await isAnother(state.fingerprint) { return leave("\(session.place) is another file now") }
      return try await carryOut(disposal, state.fingerprint, isContinued: isContinued)
    }
    let rows = try await session.ports.ledger.uploads(of: run.id, after: nil, limit: Self.rowLimit)
    switch session.planner.decide(WalkEntry(path: .here, kind: .file(state.fingerprint)), rows: rows).decision {
    case .proven: return try await carryOut(disposal, state.fingerprint, isContinued: isContinued)
    case .upload: return leave("\(session.place) has changed since the upload")
    case .fail(let failure): throw failure
    // By a filter that has been changed since.
    case .skip, .answer: return try putBack()
    }
  }

  /// One for each destination.
  private static let rowLimit = 1000

  /// It is the next run's.
  private func leave(_ why: String) -> RunEvent {
    session.logger.notice("\(why): it is taken once more")
    session.shared.claims.noteLeft(run.tree)
    return .retired
  }

  /// Whether what the run has tried to send had another inode: another process has had the queue meanwhile.
  private func isAnother(_ file: Fingerprint) async throws(Failure) -> Bool {
    let rows = try await session.ports.ledger.uploads(of: run.id, after: nil, limit: Self.rowLimit)
    return !rows.isEmpty && !rows.contains { $0.fingerprint.inode == file.inode }
  }

  private func carryOut(
    _ disposal: After.Disposal, _ file: Fingerprint, isContinued: Bool
  ) async throws(Failure) -> RunEvent {
    switch disposal {
    case .keep: return .retired
    case .move(let directory): try move(to: directory)
    case .delete:
      guard try files.remove(.here, in: session.place, ifStill: file) else {
        return leave("\(session.place) has changed since the upload")
      }
    case .resubmit: return try await resubmit(isContinued: isContinued)
    }
    return .retired
  }

  private func move(to directory: BytePath) throws(Failure) {
    guard let place = try files.dispose([name], from: working, to: directory).first?.get() else { return }
    tellMoved(to: place)
  }

  func tellMoved(to place: BytePath) {
    if place.name == name {
      session.logger.debug("moved to \(place)")
    } else {
      session.logger.notice("moved to \(place): a file of its name lies there already")
    }
  }

  // MARK: Resubmitting

  /// How often the file has been put back stands in the place of a marker that has been answered. Whoever waits for the
  /// run does not wait for that.
  private func resubmit(isContinued: Bool) async throws(Failure) -> RunEvent {
    if isContinued || session.shared.countsBlocked { return try putBack() }
    let times = Int(clamping: try await session.ports.ledger.answeredMarker(of: run.tree)?.inode ?? 0)
    session.note(.answered(run.tree, MarkerIdentity(inode: UInt64(times + 1), modified: 0)))
    let retry = session.workflow.retry
    let pause = retry.wait(afterFailed: retry.attempts + times, jitter: 1)
    return .resubmitted(
      "its attempts are used up, and it is put back then: \(run.error)", until: session.ports.clock.now() + pause)
  }

  /// Whoever takes the file from the queue must be able to lock it at once, so the claim goes first. Whoever takes it up
  /// in between finds it gone from the directory of work.
  private func putBack() throws(Failure) -> RunEvent {
    session.shared.claims.release(run.id)
    if try files.putBack(name, from: working, to: run.tree.watch) {
      session.logger.notice("put back into \(run.tree.watch)")
      return .retired
    }
    return leave("\(run.tree.path) is a new file")
  }

  // MARK: The end

  /// The run is over, and so is the claim.
  func letGo() {
    if run.state == .skipped {
      let after = session.workflow.after
      if !setAside(to: [after.success, after.failure]) { return leaveSkipped() }
    }
    session.shared.claims.release(run.id)
  }

  private func leaveSkipped() {
    do throws(Failure) {
      if let file = try files.state(of: name, in: working)?.fingerprint {
        session.shared.claims.leaveSkipped(run, file)
      } else {
        session.shared.claims.release(run.id)
      }
    } catch {
      // It is held as long as this process lives: given back it would be skipped again and again.
      session.logger.error("\(error.message)")
    }
  }

  /// A file that is not to be taken again goes to the first of these that is a directory. False if none is: then it
  /// stays where it is.
  private func setAside(to disposals: [After.Disposal]) -> Bool {
    do throws(Failure) {
      for case .move(let directory) in disposals {
        try move(to: directory)
        return true
      }
      session.logger.notice("stays at \(session.place)")
    } catch {
      session.logger.error("\(error.message)")
    }
    return false
  }

  /// Somebody has ended the run by hand. Its file is held as long as this process lives, where it has no other place.
  func cancel() {
    if setAside(to: [session.workflow.after.failure]) { session.shared.claims.release(run.id) }
  }
}

import Logging
import SlipwayModel

/// Trees without a marker, as they lie there when a run comes to read them.
extension RunDriver {
  /// The end of a run whose tree is gone, or is being written again: it is ready anew when that is over. nil if the run
  /// may go on; of a new one the tree as it lies there now is what it answers.
  func withdrawnUnready(_ session: RunSession, isNew: Bool) async throws(Failure) -> Ending? {
    switch context.workflow.intake {
    // Of a mirror that is gone nothing is concluded: its run fails.
    case .marker, .mirror: return nil
    case .closed:
      guard let state = try ports.files.state(of: .here, in: session.run.tree.path) else {
        return try await withdraw(session, "the file is gone")
      }
      if state.isOpenForWriting == true {
        shared.openFiles.leave(session.run.tree.path)
        return try await withdraw(session, "the file is being written again")
      }
      // What was written since the run was queued is in it.
      if isNew { session.noteAnswer(TreeDigest(of: state.fingerprint).identity) }
      return nil
    case .queue(let working, _): return try await withdrawnUnclaimed(session, working)
    case .settled(let time): return try await withdrawnUnsettled(session, isNew: isNew, time)
    }
  }

  private func withdrawnUnsettled(
    _ session: RunSession, isNew: Bool, _ time: Duration
  ) async throws(Failure) -> Ending? {
    let tree = session.run.tree
    guard let state = try TreeState.read(tree, context, ports) else {
      return try await withdraw(session, "the tree is gone")
    }
    let isKnown = state.digest.identity == session.run.marker
    // What the run's own hooks have written is known.
    let isQuiet = isKnown || ports.clock.now() - state.newest >= time
    let writer = isQuiet ? try OpenWriter.first(in: tree.path, ports.files) : nil
    guard isQuiet, writer == nil else {
      if let writer { shared.openFiles.leave(writer.path) }
      return try await withdraw(session, "the tree is being written again")
    }
    if isNew { session.noteAnswer(state.digest.identity) }
    return nil
  }

  private func withdrawnUnclaimed(_ session: RunSession, _ working: BytePath) async throws(Failure) -> Ending? {
    guard try shared.claims.holds(session.run, in: working) else { return try await withdrawTaken(session) }
    guard try ports.files.state(of: .here, in: session.place)?.isOpenForWriting == true else { return nil }
    let message = "\(session.place) is being written again"
    return try await drive(session, .attemptFailed(message, .retryable(retryAfter: nil)))
  }

  /// The end of a run whose file a hook has exchanged for another one that somebody else was quicker to claim.
  func withdrawnStolen(_ session: RunSession) async throws(Failure) -> Ending? {
    let workflow = context.workflow
    guard let working = workflow.intake.workingDirectory, !workflow.hooks.pre.isEmpty else { return nil }
    do throws(Failure) {
      if try shared.claims.holds(session.run, in: working) { return nil }
    } catch {
      // The upload meets the same error, and tells it.
      if error.kind == .fatal { throw error }
      return nil
    }
    return try await withdrawTaken(session)
  }

  private func withdrawTaken(_ session: RunSession) async throws(Failure) -> Ending {
    try await withdraw(session, "another process has the file, or it is gone", [])
  }

  /// Nothing has been answered by it.
  func withdraw(
    _ session: RunSession, _ why: String? = nil, _ changes: [LedgerChange]? = nil
  ) async throws(Failure) -> Ending {
    _ = session.apply(.cancelled(why ?? "its marker was removed before it began"))
    removeFiles(session)
    try await session.commit(changes ?? [.answered(session.run.tree, nil)])
    try await UploadReaper(ports: ports, logger: session.logger).reap(session.run.id)
    shared.claims.release(session.run.id)
    session.logger.info("withdrawn: \(session.run.error)")
    return .ended(session.run)
  }
}

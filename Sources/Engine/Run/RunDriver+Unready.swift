import Logging
import SlipwayModel

/// Trees without a marker, as they lie there when a run comes to read them.
extension RunDriver {
  /// The end of a run whose file is gone, or is being written again: its closing makes it ready anew. nil if the run may
  /// go on; of a new one the file as it lies there now is what it answers.
  func withdrawnUnready(_ session: RunSession, isNew: Bool) async throws(Failure) -> Ending? {
    guard context.workflow.intake == .closed else { return nil }
    let state = try ports.files.state(of: .here, in: session.run.tree.path)
    guard let state else { return try await withdraw(session, "the file is gone") }
    if state.isOpenForWriting == true { return try await withdraw(session, "the file is being written again") }
    // What was written since the run was queued is in it.
    if isNew { session.noteAnswer(TreeDigest(of: state.fingerprint).identity) }
    return nil
  }

  /// Nothing has been answered by it.
  func withdraw(
    _ session: RunSession, _ why: String? = nil, _ changes: [LedgerChange]? = nil
  ) async throws(Failure) -> Ending {
    _ = session.apply(.cancelled(why ?? "its marker was removed before it began"))
    removeFiles(session)
    try await session.commit(changes ?? [.answered(session.run.tree, nil)])
    try await UploadReaper(ports: ports, logger: session.logger).reap(session.run.id)
    session.logger.info("withdrawn: \(session.run.error)")
    return .ended(session.run)
  }
}

import Logging
import SlipwayModel

/// From proven objects to files that are where they are to be.
extension FileBatch {
  /// The post hooks of what has arrived everywhere, and what is to become of it then.
  func finish(_ members: [Member]) async throws(Failure) -> [RunID: RunDriver.Ending] {
    for member in members { _ = member.session.apply(.uploaded) }
    if let endings = try await runPostHooks(members.map(\.session)) { return endings }
    for member in members { _ = member.session.apply(.finished) }
    if members.isEmpty { return [:] }
    try await ports.ledger.commit(members.flatMap { $0.session.takeChanges() })
    var endings: [RunID: RunDriver.Ending] = [:]
    for run in try await retire(members) { endings[run.id] = .ended(run) }
    return endings
  }

  /// Once for all; nil if all may go on, and else how each has ended: none that is not named.
  private func runPostHooks(_ sessions: [RunSession]) async throws(Failure) -> [RunID: RunDriver.Ending]? {
    guard let first = sessions.first, !context.workflow.hooks.post.isEmpty else { return nil }
    try await ports.ledger.commit(sessions.flatMap { $0.takeChanges() })
    switch try await PostHookStage(session: first, companions: Array(sessions.dropFirst())).perform() {
    case .event(.finished):
      driver.removeFiles(first)
      return nil
    case .event(let event): return try await drive(sessions, event)
    case .interrupted: return [:]
    }
  }

  /// The runs that are done.
  private func retire(_ members: [Member]) async throws(Failure) -> [Run] {
    let disposed = dispose(members.filter(isAsDelivered))
    if disposed.isEmpty { return [] }
    for member in disposed {
      _ = member.session.apply(.retired)
      if context.workflow.after.failure == .resubmit { member.session.note(.answered(member.session.run.tree, nil)) }
    }
    try await ports.ledger.commit(disposed.flatMap { $0.session.takeChanges() })
    let areMany = disposed.count > Self.toldMax
    for member in disposed {
      shared.claims.release(member.session.run.id)
      if areMany { member.session.log.debug("run done") } else { member.session.logger.notice("run done") }
    }
    if areMany {
      logger.notice("runs done: \(disposed.count)", metadata: ["workflow": "\(context.workflow.name)"])
    }
    return disposed.map(\.session.run)
  }

  /// What is not is the driver's, which sees why.
  private func isAsDelivered(_ member: Member) -> Bool {
    do throws(Failure) {
      guard let state = try member.claim.state() else { return false }
      return state.isOpenForWriting != true && state.fingerprint == member.planned.fingerprint
    } catch {
      return false
    }
  }

  /// Those that are where they are to be.
  private func dispose(_ members: [Member]) -> [Member] {
    do throws(Failure) {
      switch context.workflow.after.success {
      case .move(let directory): return try move(members, to: directory)
      case .delete:
        return members.filter { member in
          // What has gone wrong the driver meets again, and tells.
          let file = member.planned.fingerprint
          return (try? ports.files.remove(.here, in: member.session.place, ifStill: file)) == true
        }
      case .keep, .resubmit: return []
      }
    } catch {
      return []
    }
  }

  private func move(_ members: [Member], to directory: BytePath) throws(Failure) -> [Member] {
    guard let working = context.workflow.intake.workingDirectory else { return [] }
    let places = try ports.files.dispose(members.map(\.session.run.tree.name), from: working, to: directory)
    return zip(members, places).compactMap { member, place in
      guard case .success(let place) = place else { return nil }
      if let place { QueueDisposal(member.session)?.tellMoved(to: place) }
      return member
    }
  }
}

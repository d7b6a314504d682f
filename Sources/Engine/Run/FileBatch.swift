import Logging
import SlipwayModel
import Synchronization

/// Many runs of files of one queue, driven together: each state is one commit for all of them, and each hook is started once.
/// What goes another way than straight on is left to a driver of its own, and has its hooks to itself.
struct FileBatch: Sendable {
  let context: WorkflowContext
  let ports: EnginePorts
  let shared: SharedRunState
  let logger: Logger

  /// So many runs.
  static let limit = 256
  /// A larger file (in bytes) would keep the others waiting.
  static let sizeMax: Int64 = 4 << 20
  /// Of so many the log has a line each; of more it has one for all.
  static let toldMax = 16

  /// One file under way. Belongs to the task of the batch.
  final class Member {
    let session: RunSession
    let claim: any FileClaim
    let planned: PlannedUpload
    let tally: AttemptTally

    init(_ session: RunSession, _ claim: any FileClaim, _ planned: PlannedUpload, _ tally: AttemptTally) {
      self.session = session
      self.claim = claim
      self.planned = planned
      self.tally = tally
    }
  }

  var driver: RunDriver { RunDriver(context: context, ports: ports, shared: shared, logger: logger) }

  private var hasPreHooks: Bool { !context.workflow.hooks.pre.isEmpty }
  private var hasHooks: Bool { hasPreHooks || !context.workflow.hooks.post.isEmpty }

  /// How each of the runs, which are `ready`, has ended; one that is not named, or was interrupted, goes on alone.
  func perform(_ runs: [Run]) async throws(Failure) -> [RunID: RunDriver.Ending] {
    let sessions = runs.compactMap(session)
    var endings = try await prepare(sessions)
    if endings.isEmpty, !sessions.isEmpty { endings = try await deliver(sessions.compactMap(member)) }
    if hasPreHooks { interrupt(sessions, in: &endings) }
    return endings
  }

  private func deliver(_ planned: [Member]) async throws(Failure) -> [RunID: RunDriver.Ending] {
    let members = try await begin(planned)
    if members.isEmpty { return [:] }
    let recorder = UploadRecorder(ledger: ports.ledger, clock: ports.clock)
    await send(members, recorder)
    try await recorder.finish()
    var endings: [RunID: RunDriver.Ending] = [:]
    if !Task.isCancelled {
      await settle(members)
      if let fatal = members.lazy.compactMap(\.tally.fatal).first { throw fatal }
      endings = try await finish(members.filter { $0.tally.verdict == nil })
      for member in members {
        if let ending = try await failed(member) { endings[member.session.run.id] = ending }
      }
    }
    interrupt(members.map(\.session), in: &endings)
    return endings
  }

  /// What has come so far, and to no end, goes on from there.
  private func interrupt(_ sessions: [RunSession], in endings: inout [RunID: RunDriver.Ending]) {
    for session in sessions where endings[session.run.id] == nil {
      endings[session.run.id] = .interrupted(session.run)
    }
  }

  /// nil for one that has not failed.
  private func failed(_ member: Member) async throws(Failure) -> RunDriver.Ending? {
    guard let (message, error) = member.tally.verdict else { return nil }
    let session = member.session
    return try await driver.drive(
      session, .attemptFailed(message, error == .blocked ? session.blocked(by: member.tally.out) : error))
  }

  // MARK: Begin

  /// nil for a run that is better driven alone.
  private func session(_ run: Run) -> RunSession? {
    guard let claim = shared.claims.claim(of: run.id) else { return nil }
    if !hasHooks, claim.fingerprint.size > Self.sizeMax { return nil }
    let session = driver.session(for: run)
    _ = session.apply(.started(targetPrefix: context.evaluatedPrefix(for: run, ports: ports)))
    return session
  }

  /// The pre hooks, once for all. Empty if all may go on, and else how each has ended.
  private func prepare(_ sessions: [RunSession]) async throws(Failure) -> [RunID: RunDriver.Ending] {
    guard let first = sessions.first else { return [:] }
    var end = StageEnd.event(.prepared(HookOutput()))
    if hasPreHooks { end = try await PreHookStage(session: first, companions: Array(sessions.dropFirst())).perform() }
    switch end {
    case .event(.prepared(let output, let settings)):
      if hasPreHooks { driver.removeFiles(first) }
      for session in sessions { _ = session.apply(.prepared(output, settings)) }
      return [:]
    case .event(let event): return try await drive(sessions, event)
    case .interrupted:
      var endings: [RunID: RunDriver.Ending] = [:]
      interrupt(sessions, in: &endings)
      return endings
    }
  }

  /// The same for all of them, each by itself.
  func drive(_ sessions: [RunSession], _ event: RunEvent) async throws(Failure) -> [RunID: RunDriver.Ending] {
    var endings: [RunID: RunDriver.Ending] = [:]
    for session in sessions { endings[session.run.id] = try await driver.drive(session, event) }
    return endings
  }

  /// nil for a run that is better driven alone.
  private func member(_ session: RunSession) -> Member? {
    guard let claim = shared.claims.claim(of: session.run.id), let file = fingerprint(claim) else { return nil }
    guard case .upload(let planned) = session.planner.decide(WalkEntry(path: .here, kind: .file(file))).decision else {
      return nil
    }
    let gate = shared.outages.map { OutageGate($0, for: session.run) }
    gate?.enter(planned.destinations)
    return Member(session, claim, planned, AttemptTally(gate))
  }

  /// What is to be sent; nil if it is not there, or still written.
  private func fingerprint(_ claim: any FileClaim) -> Fingerprint? {
    if !hasPreHooks { return claim.fingerprint }
    // What cannot be looked at its own driver meets again, and tells.
    guard let state = try? claim.state(), state.isOpenForWriting != true else { return nil }
    return state.fingerprint
  }

  /// Those whose keys are theirs, once that is committed.
  private func begin(_ members: [Member]) async throws(Failure) -> [Member] {
    if members.isEmpty { return [] }
    let trees = members.map(\.session.run.tree)
    do throws(Failure) {
      let stems = try await shared.stems.claim(members.map { ($0.session.run.tree, $0.session.stems) })
      var begun: [Member] = []
      var changes: [LedgerChange] = []
      for (member, result) in zip(members, stems) {
        // A refusal is told by the driver, which meets it as well.
        guard case .success(let own) = result else { continue }
        changes += own + member.session.takeChanges()
        begun.append(member)
      }
      if !changes.isEmpty { try await ports.ledger.commit(changes) }
      await shared.stems.release(trees)
      return begun
    } catch {
      await shared.stems.release(trees)
      throw error
    }
  }
}

import Logging
import SlipwayModel
import Synchronization

/// Many runs of files of one queue, driven together: each state is one commit for all of them. What goes another way than
/// straight on is left to a driver of its own.
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
  private struct Member {
    let session: RunSession
    let claim: any FileClaim
    let planned: PlannedUpload
    let tally: AttemptTally
  }

  private var driver: RunDriver { RunDriver(context: context, ports: ports, shared: shared, logger: logger) }

  /// How each of the runs, which are `ready`, has ended; one that is not named, or was interrupted, goes on alone.
  func perform(_ runs: [Run]) async throws(Failure) -> [RunID: RunDriver.Ending] {
    let members = try await begin(runs.compactMap(member))
    let begun = Set(members.map(\.session.run.id))
    let alone = runs.filter { !begun.contains($0.id) }
    if !alone.isEmpty { try await ports.ledger.commit(alone.map { .run($0) }) }
    if members.isEmpty { return [:] }
    let recorder = UploadRecorder(ledger: ports.ledger, clock: ports.clock)
    await send(members, recorder)
    try await recorder.finish()
    var endings: [RunID: RunDriver.Ending] = [:]
    if !Task.isCancelled {
      await settle(members)
      if let fatal = members.lazy.compactMap(\.tally.fatal).first { throw fatal }
      for run in try await finish(members.filter { $0.tally.verdict == nil }) { endings[run.id] = .ended(run) }
      for member in members {
        if let ending = try await failed(member) { endings[member.session.run.id] = ending }
      }
    }
    for session in members.map(\.session) where endings[session.run.id] == nil {
      endings[session.run.id] = .interrupted(session.run)
    }
    return endings
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
  private func member(_ run: Run) -> Member? {
    guard let claim = shared.claims.claim(of: run.id), claim.fingerprint.size <= Self.sizeMax else { return nil }
    let session = driver.session(for: run)
    _ = session.apply(.started(targetPrefix: context.evaluatedPrefix(for: run, ports: ports)))
    _ = session.apply(.prepared(HookOutput()))
    let entry = WalkEntry(path: .here, kind: .file(claim.fingerprint))
    guard case .upload(let planned) = session.planner.decide(entry).decision else { return nil }
    let gate = shared.outages.map { OutageGate($0, for: run) }
    gate?.enter(planned.destinations)
    return Member(session: session, claim: claim, planned: planned, tally: AttemptTally(gate))
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

  // MARK: Send

  private struct Work: Sendable {
    let sender: FileSender
    let sending: UploadFeed.Sending
  }

  private func send(_ members: [Member], _ recorder: UploadRecorder) async {
    let works = works(members, recorder)
    let turn = Turn(below: works.count)
    // A worker that sees that nothing can be recorded any more ends all; the failure is the recorder's.
    try? await withThrowingDiscardingTaskGroup { group in
      for _ in 0..<min(shared.slots.count, works.count) {
        group.addTask {
          while !Task.isCancelled {
            guard let index = turn.take() else { return }
            try await Self.carryOut(works[index])
          }
        }
      }
    }
  }

  /// Which one is next. Any task.
  private final class Turn: Sendable {
    private let count: Int
    private let next = Mutex(0)

    init(below count: Int) { self.count = count }

    func take() -> Int? {
      next.withLock { next in
        defer { next += 1 }
        return next < count ? next : nil
      }
    }
  }

  private nonisolated(nonsending) static func carryOut(_ work: Work) async throws(CancellationError) {
    let target = work.sending.target
    if work.sender.tally.leavesOut(target.name) { return }
    await target.lane.acquire()
    await work.sender.send(work.sending)
    target.lane.giveBack()
    if work.sender.cannotRecord { throw CancellationError() }
  }

  private func works(_ members: [Member], _ recorder: UploadRecorder) -> [Work] {
    let lanes = shared.slots.lanes(to: context.destinations.map(\.name))
    let targets = context.destinations.compactMap { destination -> UploadFeed.Target? in
      guard let store = ports.stores[destination.name], let lane = lanes[destination.name] else { return nil }
      return UploadFeed.Target(destination, store, lane)
    }
    return members.flatMap { member in
      let session = member.session
      let sender = FileSender(
        run: session.run.id, tree: session.place, files: ports.files, attributes: session.run.attributes,
        hookTags: session.run.output.tags, meter: shared.meter, recorder: recorder, journal: ports.ledger,
        tally: member.tally, logger: session.logger)
      return targets.map { target in
        Work(
          sender: sender,
          sending: UploadFeed.Sending(
            path: .here, planned: member.planned, key: joinedKey(target.prefix, member.planned.key.bytes),
            target: target))
      }
    }
  }

  /// What a destination could not make durable it has to be given again.
  private func settle(_ members: [Member]) async {
    for destination in context.destinations {
      do throws(Failure) {
        try await ports.stores[destination.name]?.settle()
      } catch {
        logger.error("\(error.message)", metadata: ["destination": "\(destination.name)"])
        for member in members {
          member.tally.unsettled(error, at: destination.name)
          member.session.note(.forgetDestination(member.session.run.id, destination.name))
        }
      }
    }
  }

  // MARK: Finish

  /// Disposes of what has arrived everywhere; the runs that are done.
  private func finish(_ members: [Member]) async throws(Failure) -> [Run] {
    if members.isEmpty { return [] }
    for member in members {
      _ = member.session.apply(.uploaded)
      _ = member.session.apply(.finished)
    }
    try await ports.ledger.commit(members.flatMap { $0.session.takeChanges() })
    let disposed = dispose(members.filter(isAsDelivered))
    if disposed.isEmpty { return [] }
    for member in disposed {
      _ = member.session.apply(.retired)
      if context.workflow.after.failure == .resubmit { member.session.note(.answered(member.session.run.tree, nil)) }
    }
    try await ports.ledger.commit(disposed.flatMap { $0.session.takeChanges() })
    for member in disposed {
      shared.claims.release(member.session.run.id)
      member.session.logger.log(level: disposed.count > Self.toldMax ? .debug : .notice, "run done")
    }
    if disposed.count > Self.toldMax {
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

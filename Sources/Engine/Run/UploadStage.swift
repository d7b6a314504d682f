import Logging
import SlipwayModel

/// Carries out the plan of a run: many files at once, each destination by itself.
struct UploadStage {
  let session: RunSession
  /// Whether an earlier attempt has been here: then its rows are merged, and its files must be what they were.
  let isContinued: Bool

  func perform() async throws(Failure) -> StageEnd {
    let mayCompare = isContinued && !session.workflow.hooks.pre.isEmpty && !isMirror
    if mayCompare, try await sourceHasChanged() { return .event(.sourceChanged) }
    do throws(Failure) {
      try await claimStems()
    } catch {
      if error.kind == .permanent { return .event(.impossible(error.message)) }
      throw error
    }
    return try await send()
  }

  private func claimStems() async throws(Failure) {
    let (claims, tree) = (session.shared.stems, session.run.tree)
    do throws(Failure) {
      try await session.commit(try await claims.claim(tree, stems))
    } catch {
      await claims.release(tree)
      throw error
    }
    await claims.release(tree)
  }

  private var stems: [(destination: DestinationName, key: ObjectKey)] { session.stems }

  /// Whether a file is not what an earlier attempt planned: then the pre hooks must see the tree again.
  private func sourceHasChanged() async throws(Failure) -> Bool {
    do throws(Failure) {
      let reader = try planReader()
      while let step = try await reader.next() {
        switch step {
        case .vanished: return true
        case .mirror, .lost: continue
        case .item(let item, let rows):
          guard case .upload(let planned) = item.decision else { continue }
          if rows.contains(where: { !$0.fingerprint.matchesAcrossProcesses(planned.recorded) }) { return true }
        }
      }
      return false
    } catch {
      if error.kind == .fatal { throw error }
      // The upload itself meets the same error and tells it.
      return false
    }
  }

  private var isMirror: Bool { session.workflow.intake.mirrorRule != nil }
  private var files: any TreeFiles { session.ports.files.with(session.workflow.symlinks) }

  private func planReader() throws(Failure) -> PlanReader {
    PlanReader(
      walk: try files.walk(session.place), planner: session.planner,
      rows: UploadRowPages(of: session.run.id, in: session.ports.ledger, isEmpty: hasNoRows))
  }

  private var hasNoRows: Bool { session.run.attempt <= 1 && !session.workflow.sparesUploads }

  private func send() async throws(Failure) -> StageEnd {
    let gate = session.shared.outages.map { OutageGate($0, for: session.run) }
    gate?.enter(session.context.destinations.map(\.name))
    let tally = AttemptTally(gate)
    let mirror: MirrorPass?
    do throws(Failure) {
      mirror = try await mirrorPass()
    } catch {
      if error.kind == .fatal { throw error }
      return .event(.attemptFailed(error.message, error.attemptError))
    }
    let tree = session.run.tree
    let recorder = UploadRecorder(
      ledger: session.ports.ledger, clock: session.ports.clock, mirror: mirror == nil ? nil : tree)
    let changes = mirror.map { MirrorChanges(tree, session.shared.mirrors, $0.obstructed) }
    let targets = targets
    let sender = sender(recorder, tally, changes)
    let findings = try await carryOut(sender, to: targets, mirror?.plan)
    if session.workflow.intake.markerName == nil, mirror == nil, findings.isWhole, findings.digest.fileCount > 0 {
      session.noteAnswer(findings.digest.identity)
    }
    if Task.isCancelled { return .interrupted }
    try await settle(tally)
    if session.workflow.commit == .manifest, tally.verdict == nil, !findings.isOneFile {
      try await ManifestUpload(session: session, targets: targets, attributes: session.run.attributes, tally: tally)
        .perform()
      if Task.isCancelled { return .interrupted }
      try await settle(tally)
    }
    if let mirror { try await makeEqual(mirror, sender, to: targets) }
    if Task.isCancelled { return .interrupted }
    if let fatal = tally.fatal { throw fatal }
    mirror?.noteComplete(tally)
    if tally.verdict == nil { mirror?.end() }
    return try await conclude(tally, findings)
  }

  private func sender(_ recorder: UploadRecorder, _ tally: AttemptTally, _ changes: MirrorChanges?) -> FileSender {
    FileSender(
      run: session.run.id, tree: session.place, files: files, attributes: session.run.attributes,
      hookTags: session.run.output.tags, meter: session.shared.meter, recorder: recorder,
      journal: session.ports.ledger, tally: tally, log: session.log, changes: changes)
  }

  /// Deletes where all has gone well, and then sends what had something in its way that is gone by now.
  private func makeEqual(
    _ mirror: MirrorPass, _ sender: FileSender, to targets: [UploadFeed.Target]
  ) async throws(Failure) {
    let tally = sender.tally
    if tally.verdict == nil { try await mirror.delete(tally) }
    if Task.isCancelled { return }
    guard let scope = mirror.obstructed?.scope else { return }
    if tally.verdict == nil {
      let changes = MirrorChanges(session.run.tree, session.shared.mirrors, nil)
      _ = try await carryOut(
        self.sender(sender.recorder, tally, changes), to: targets, mirror.planOfObstructed(scope))
      try await settle(tally)
    } else if let failure = mirror.obstructed?.failure {
      session.logger.error("\(failure.message)")
      tally.note(failure)
    }
  }

  private func mirrorPass() async throws(Failure) -> MirrorPass? {
    guard let rule = session.workflow.intake.mirrorRule else { return nil }
    return try await MirrorPass.begin(session, rule)
  }

  /// Runs the plan; returns when everything that it began has ended. There is a worker for each sending up to the number
  /// of transfers, and each goes on with the next: no task a file. The first that sees that nothing can be recorded any
  /// more ends, and with it all others: what they would go on sending, the next process would send again.
  private func carryOut(
    _ sender: FileSender, to targets: [UploadFeed.Target], _ plan: (any PlanSource)?
  ) async throws(Failure) -> UploadFeed.Findings {
    let feed = feed(to: targets, sender.tally, plan)
    let count = session.shared.slots.count
    // What is thrown only cancels; the failure itself is the recorder's, or the tally's.
    try? await withThrowingDiscardingTaskGroup { group in
      for _ in 0..<count {
        guard let first = await feed.next() else { return }
        let isAdded = group.addTaskUnlessCancelled {
          var next: UploadFeed.Sending? = first
          while let sending = next {
            await sending.target.lane.acquire()
            await sender.send(sending)
            sending.target.lane.giveBack()
            if sender.cannotRecord { throw CancellationError() }
            next = await feed.next()
          }
        }
        if !isAdded { return }
      }
    }
    if let failure = feed.findings.failure {
      if failure.kind == .fatal { throw failure }
      sender.tally.failed(failure, at: nil)
      session.logger.error("\(failure.message)")
    }
    try await sender.recorder.finish()
    return feed.findings
  }

  private var targets: [UploadFeed.Target] {
    let lanes = session.shared.slots.lanes(to: session.context.destinations.map(\.name))
    return session.context.destinations.compactMap { destination in
      guard let store = session.ports.stores[destination.name], let lane = lanes[destination.name] else { return nil }
      return UploadFeed.Target(destination, store, lane)
    }
  }

  private func feed(
    to targets: [UploadFeed.Target], _ tally: AttemptTally, _ plan: (any PlanSource)?
  ) -> UploadFeed {
    let (place, files, ledger, planner) = (session.place, files, session.ports.ledger, session.planner)
    let (id, hasNoRows) = (session.run.id, hasNoRows)
    return UploadFeed(
      of: session.run, in: ledger, to: targets, tally: tally, meter: session.shared.meter, logger: session.logger
    ) {
      () throws(Failure) in
      if let plan { return plan }
      return PlanReader(
        walk: try files.walk(place), planner: planner, rows: UploadRowPages(of: id, in: ledger, isEmpty: hasNoRows))
    }
  }

  /// What a destination could not make durable it has to be given again.
  private func settle(_ tally: AttemptTally) async throws(Failure) {
    for destination in session.context.destinations where !tally.isClosed(destination.name) {
      do throws(Failure) {
        try await session.ports.stores[destination.name]?.settle([session.run.id])
      } catch {
        tally.unsettled(error, at: destination.name)
        session.logger.error("\(error.message)", metadata: ["destination": "\(destination.name)"])
        try await session.commit([.forgetDestination(session.run.id, destination.name)])
      }
    }
  }

  private func conclude(_ tally: AttemptTally, _ findings: UploadFeed.Findings) async throws(Failure) -> StageEnd {
    if let (message, error) = tally.verdict {
      return .event(.attemptFailed(message, error == .blocked ? session.blocked(by: tally.out) : error))
    }
    var counts: Logger.Metadata = ["sent": "\(tally.sent)"]
    if tally.found > 0 { counts["found_equal"] = "\(tally.found)" }
    if findings.skipped > 0 { counts["skipped"] = "\(findings.skipped)" }
    session.logger.info("uploaded", metadata: counts)
    if findings.leftOut > 0, findings.digest.fileCount == 0, !isMirror {
      session.logger.warning(
        "nothing of the tree is taken: filter and exclude leave out all of its \(findings.leftOut) files")
    }
    session.shared.taken.note(findings.inner)
    try await session.commit(try await answers(to: findings.inner))
    return .event(.uploaded)
  }

  /// The trees inside this one have been delivered with it: their markers are answered, and their own runs, where
  /// they have not begun, are withdrawn. A marker that has been made anew since stays for a run of its own.
  private func answers(to inner: [(tree: TreeID, marker: MarkerIdentity)]) async throws(Failure) -> [LedgerChange] {
    var changes: [LedgerChange] = []
    for (tree, marker) in inner {
      if var own = try await session.ports.ledger.latestRun(of: tree), own.state == .ready {
        guard own.marker == marker else { continue }
        own.cancel("taken with the tree around it, run \(session.run.id)", at: session.ports.clock.now())
        changes.append(.run(own))
      }
      changes.append(.answered(tree, marker))
    }
    return changes
  }
}

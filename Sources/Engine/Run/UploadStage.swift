import Logging
import SlipwayModel

/// Carries out the plan of a run: many files at once, each destination by itself.
struct UploadStage {
  let session: RunSession
  /// So many files that have vanished are forgotten in one commit.
  static let vanishedMax = 1_000
  /// Whether an earlier attempt has been here: then its rows are merged, and its files must be what they were.
  let isContinued: Bool

  /// What the plan told beside the uploads.
  fileprivate struct Findings {
    var inner: [(tree: TreeID, marker: MarkerIdentity)] = []
    /// Not yet forgotten by the ledger.
    var vanished: [BytePath] = []
    var skipped: [SkipReason.Name: Int] = [:]
  }

  func perform() async throws(Failure) -> StageEnd {
    if isContinued, !session.workflow.hooks.pre.isEmpty, try await sourceHasChanged() { return .event(.sourceChanged) }
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

  private var stems: [(destination: DestinationName, key: ObjectKey)] {
    let mapping = session.context.mapping(for: session.run.tree, targetPrefix: session.run.fullTargetPrefix)
    let own =
      session.run.tree.name == .here
      ? session.run.fullTargetPrefix : mapping.key(for: session.run.tree.name).bytes
    return session.context.destinations.map { ($0.name, joinedKey($0.prefix, own)) }
  }

  /// Whether a file is not what an earlier attempt planned: then the pre hooks must see the tree again.
  private func sourceHasChanged() async throws(Failure) -> Bool {
    do throws(Failure) {
      var reader = try planReader()
      while let step = try await reader.next() {
        switch step {
        case .vanished: return true
        case .item(let item, let rows):
          guard case .upload(let planned) = item.decision else { continue }
          if rows.contains(where: { !$0.fingerprint.matchesAcrossProcesses(planned.fingerprint) }) { return true }
        }
      }
      return false
    } catch {
      if error.kind == .fatal { throw error }
      // The upload itself meets the same error and tells it.
      return false
    }
  }

  private func planReader() throws(Failure) -> PlanReader {
    PlanReader(
      walk: try session.ports.files.walk(session.run.tree.path), planner: session.planner,
      rows: UploadRowPages(of: session.run.id, in: session.ports.ledger, isEmpty: session.run.attempt <= 1))
  }

  private func send() async throws(Failure) -> StageEnd {
    let tally = AttemptTally()
    let journal = UploadJournal(ledger: session.ports.ledger, clock: session.ports.clock)
    let sender = FileSender(
      run: session.run.id, tree: session.run.tree.path, files: session.ports.files,
      attributes: ObjectAttributes(tags: session.run.output.tags, metadata: session.run.output.metadata),
      meter: session.shared.meter, journal: journal, tally: tally, logger: session.logger)
    var findings = Findings()
    do throws(Failure) {
      findings = try await carryOut(try planReader(), sender)
    } catch {
      if error.kind == .fatal { throw error }
      tally.failed(error, at: nil)
      session.logger.error("\(error.message)")
    }
    try await journal.finish()
    if Task.isCancelled { return .interrupted }
    try await settle(tally)
    if let fatal = tally.fatal { throw fatal }
    return try await conclude(tally, findings)
  }

  /// Runs the plan; returns when everything that it began has ended.
  private func carryOut(_ reader: PlanReader, _ sender: FileSender) async throws(Failure) -> Findings {
    let targets = session.context.destinations.reduce(into: [:]) { targets, destination in
      targets[destination.name] = session.ports.stores[destination.name].map { (destination, $0) }
    }
    let slots = session.shared.slots
    var reader = reader
    var findings = Findings()
    let failure = await withDiscardingTaskGroup { group -> Failure? in
      do throws(Failure) {
        while !Task.isCancelled, let step = try await reader.next() {
          guard let (path, planned) = note(step, &findings, sender.tally) else {
            if findings.vanished.count >= Self.vanishedMax { try await forgetVanished(&findings) }
            continue
          }
          for case (let destination, let store)? in planned.destinations.map({ targets[$0] })
          where !sender.tally.isClosed(destination.name) {
            await slots.acquire()
            group.addTask {
              await sender.send(path, planned, to: destination, store)
              slots.release()
            }
          }
        }
        try await forgetVanished(&findings)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
    return findings
  }

  /// What a later attempt does not find any more is no part of the run.
  private func forgetVanished(_ findings: inout Findings) async throws(Failure) {
    try await session.commit(findings.vanished.map { .forgetUploads(session.run.id, path: $0) })
    findings.vanished = []
  }

  /// Takes note of a step; returns what it says is to be sent.
  private func note(
    _ step: PlanReader.Step, _ findings: inout Findings, _ tally: AttemptTally
  ) -> (BytePath, PlannedUpload)? {
    switch step {
    case .vanished(let path): findings.vanished.append(path)
    case .item(let item, _):
      switch item.decision {
      case .upload(let planned): return (item.path, planned)
      case .proven: break
      case .skip(let reason): note(skipped: item.path, reason, &findings)
      case .answer(let inner, let marker):
        let tree = TreeID(workflow: session.workflow.name, watch: session.run.tree.watch, name: inner)
        findings.inner.append((tree, marker))
      case .fail(let failure):
        session.logger.error("\(failure.message)")
        session.shared.meter.failed()
        tally.failed(failure, at: nil)
      }
    }
    return nil
  }

  private func note(skipped path: BytePath, _ reason: SkipReason, _ findings: inout Findings) {
    findings.skipped[reason.name, default: 0] += 1
    switch reason {
    case .link, .special: session.logger.warning("skipped \(path): \(reason.explanation)")
    case .filter, .exclude, .marker: session.logger.debug("skipped \(path): \(reason.explanation)")
    }
  }

  /// What a destination could not make durable it has to be given again.
  private func settle(_ tally: AttemptTally) async throws(Failure) {
    for destination in session.context.destinations where !tally.isClosed(destination.name) {
      do throws(Failure) {
        try await session.ports.stores[destination.name]?.settle()
      } catch {
        tally.failed(error, at: destination.name)
        session.logger.error("\(error.message)", metadata: ["destination": "\(destination.name)"])
        try await session.commit([.forgetDestination(session.run.id, destination.name)])
      }
    }
  }

  private func conclude(_ tally: AttemptTally, _ findings: Findings) async throws(Failure) -> StageEnd {
    if let (message, error) = tally.verdict { return .event(.attemptFailed(message, error)) }
    session.logger.info(
      "uploaded", metadata: ["sent": "\(tally.sent)"].merging(findings.skippedMetadata) { sent, _ in sent })
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
        own.withdraw("taken with the tree around it, run \(session.run.id)", at: session.ports.clock.now())
        changes.append(.run(own))
      }
      changes.append(.answered(tree, marker))
    }
    return changes
  }
}

extension UploadStage.Findings {
  fileprivate var skippedMetadata: Logger.Metadata {
    skipped.isEmpty ? [:] : ["skipped": "\(skipped.values.reduce(0, +))"]
  }
}

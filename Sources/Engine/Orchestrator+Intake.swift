import Logging
import SlipwayModel

/// What the intakes of trees without a marker ask.
extension Orchestrator {
  /// Those of the trees of which a run may be made. Of one that is in a run it is noted that something was told.
  func free(_ trees: [TreeID]) -> Set<TreeID> {
    var free: Set<TreeID> = []
    for tree in trees where isOpen(tree.workflow) {
      if backlog.isReady(tree) {
        // A file is taken as it is when its run begins; a tree that has to be quiet then may not be.
        if contexts[tree.workflow]?.workflow.settleTime != nil { touched.insert(tree) }
      } else if backlog.holds(tree) {
        touched.insert(tree)
      } else {
        free.insert(tree)
      }
    }
    return free
  }

  /// Whether a tree of the workflow is still to be looked at again.
  func owesLook(to workflow: WorkflowName) -> Bool { touched.contains(workflow) }

  /// The run is over, and its tree free for the next.
  func giveBack(_ run: Run) {
    backlog.end(run)
    let isLeft = shared.claims.takeLeft(run.tree)
    if isLeft { touched.insert(run.tree) }
    // What changed while it was sent, no event may tell. One that was skipped is not made again for what made it.
    if run.state == .done, shared.mirrors.hasTold(run.tree) { touched.insert(run.tree) }
    if touched.remove(run.tree) { lookAgain(at: run.tree) }
  }

  private func lookAgain(at tree: TreeID) {
    _ = look { intakes throws(Failure) in try await intakes.lookAgain(at: tree) }
  }

  /// Returns when it is known which of these files are open still.
  func lookAgain(at files: [BytePath]) async {
    await look { intakes throws(Failure) in try await intakes.handle(files.map { .name($0, .found) }) }?.value
  }

  private func look(_ body: @escaping @Sendable (Intakes) async throws(Failure) -> Void) -> Task<Void, Never>? {
    guard let intakes, !hasEnded else { return nil }
    looks += 1
    return Task.detached(executorPreference: ports.fileExecutor) {
      do throws(Failure) {
        try await body(intakes)
      } catch {
        await self.stop(for: error)
      }
      await self.endLook()
    }
  }

  func lookAtEverything() async throws(Failure) {
    if !isStopping, !hasEnded { try await intakes?.scanSoon() }
  }

  private func endLook() {
    looks -= 1
    if looks > 0 { return }
    looksEnded?.resume()
    looksEnded = nil
  }

  /// What is taken in by a look that began in time is in the ledger when this returns.
  func letLooksEnd() async {
    if looks > 0 { await withCheckedContinuation { looksEnded = $0 } }
  }

  /// It has been looked at again.
  func hasLooked(at tree: TreeID) { touched.endLook(tree) }

  /// Before anything is listed: what is nobody's would be taken for new. One that another process has is found out when
  /// the run goes on.
  func takeUpFile(of run: Run) throws(Failure) {
    guard let working = contexts[run.tree.workflow]?.workflow.intake.workingDirectory else { return }
    do throws(Failure) {
      _ = try shared.claims.holds(run, in: working)
    } catch {
      if error.kind == .fatal { throw error }
    }
  }

  // MARK: The end

  func closeIntake(of workflow: WorkflowName) {
    logger.notice("the intake is complete", metadata: ["workflow": "\(workflow)"])
    backlog.close(workflow)
    pump()
  }

  func abortIntake(of workflow: WorkflowName) {
    logger.notice("the intake is aborted", metadata: ["workflow": "\(workflow)"])
    backlog.abort(workflow)
    pump()
  }

  // MARK: Room

  func hasRoom(for workflow: WorkflowName) -> Bool {
    guard backlog.hasRoom(for: workflow) else { return false }
    return contexts[workflow]?.workflow.claims != true || roomForClaims(of: workflow) > 0
  }

  /// How many files of a queue may be claimed now: what would only stand here is left to other processes.
  func roomForClaims(of workflow: WorkflowName) -> Int {
    guard isTaking(workflow), backlog.hasRoom(for: workflow) else { return 0 }
    return max(0, min(backlog.claimable(of: workflow), shared.claims.room(for: workflow)))
  }

  /// Waits until more runs may stand in the queue; false if nothing more is taken by this process.
  func waitForRoom(for workflow: WorkflowName) async -> Bool {
    if room(for: workflow) == .later {
      return await withCheckedContinuation { waitingForRoom.append((workflow, $0)) }
    }
    return room(for: workflow) == .now
  }

  func letIntakesOn() {
    if waitingForRoom.isEmpty { return }
    let waiting = waitingForRoom
    waitingForRoom = waiting.filter { room(for: $0.workflow) == .later }
    for (workflow, continuation) in waiting where room(for: workflow) != .later {
      continuation.resume(returning: room(for: workflow) == .now)
    }
  }

  private enum Room {
    case now, later, never
  }

  private func room(for workflow: WorkflowName) -> Room {
    if !isTaking(workflow) { return .never }
    if hasRoom(for: workflow) { return .now }
    // Only the service has runs that go on, or a count that is given back, after all that it does has ended.
    return mode == .service || !tasks.isEmpty || backlog.earliest != nil ? .later : .never
  }

  private func isTaking(_ workflow: WorkflowName) -> Bool { !hasEnded && isOpen(workflow) }
}

/// Trees about which something was told while they were in a run, until they have been looked at again. Pure.
struct TouchedTrees {
  private var trees: Set<TreeID> = []
  private var counts: [WorkflowName: Int] = [:]

  mutating func insert(_ tree: TreeID) {
    if trees.insert(tree).inserted { counts[tree.workflow, default: 0] += 1 }
  }

  /// Whether it was among them. It still counts, until `endLook`.
  mutating func remove(_ tree: TreeID) -> Bool { trees.remove(tree) != nil }

  mutating func endLook(_ tree: TreeID) { counts[tree.workflow, default: 0] -= 1 }

  func contains(_ workflow: WorkflowName) -> Bool { counts[workflow, default: 0] > 0 }
}

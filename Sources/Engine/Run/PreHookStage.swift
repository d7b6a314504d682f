import SlipwayModel

/// The pre hooks of an attempt, in order; the first that does not end with 0 ends the attempt. Then what the tree says of
/// itself is read, and fixed.
struct PreHookStage {
  let session: RunSession
  /// Runs whose attempts these hooks begin as well.
  var companions: [RunSession] = []

  func perform() async throws(Failure) -> StageEnd {
    let end = try await runHooks()
    guard case .event(.prepared(let output, _)) = end else { return end }
    do throws(Failure) {
      return .event(.prepared(output, try session.context.settings(of: session.run.tree, session.ports)))
    } catch {
      if error.kind == .fatal { throw error }
      noteSeen()
      return .event(.attemptFailed(error.message, error.attemptError))
    }
  }

  private func runHooks() async throws(Failure) -> StageEnd {
    let hooks = session.workflow.hooks.pre
    if hooks.isEmpty { return .event(.prepared(HookOutput())) }
    let paths: RunPaths
    do throws(Failure) {
      paths = try session.ports.runFiles.open(session.run.id, workflow: session.workflow.name)
      try Manifest(session: session, companions: companions).writeBeforeUpload()
    } catch {
      if error.kind == .fatal { throw error }
      return .event(.attemptFailed(error.message, error.attemptError))
    }
    return try await run(hooks, paths)
  }

  private func run(_ hooks: [Hook], _ paths: RunPaths) async throws(Failure) -> StageEnd {
    let known = try await session.ports.ledger.hooks(of: session.run.id).filter { $0.phase == .pre }
    let starter = HookStarter(session: session, companions: companions, phase: .pre, paths: paths)
    for (hook, identity) in zip(hooks, Hook.identities(of: hooks)) {
      if Task.isCancelled { return .interrupted }
      let finished = try await starter.run(hook, identity: identity, after: known.last { $0.hook == identity })
      if finished.result.ending == .cancelled { return .interrupted }
      try await session.commit(finished.records)
      if let event = Self.event(after: hook, finished.result.ending) {
        noteSeen()
        return .event(event)
      }
    }
    let event = try output()
    if case .attemptFailed = event { noteSeen() }
    return .event(event)
  }

  /// No plan is made that would tell what the hooks have left: without a marker that is what has been seen of the tree,
  /// so that their own writes do not make it ready again.
  private func noteSeen() {
    guard session.workflow.intake.markerName == nil, session.workflow.intake.mirrorRule == nil else { return }
    // What cannot be read now has changed when it can.
    guard let walk = try? session.ports.files.with(session.workflow.symlinks).walk(session.place) else {
      return
    }
    let planner = session.context.plannerForLooking(at: session.run.tree, session.ports)
    if let digest = planner.digest(of: walk) { session.noteAnswer(digest.identity) }
  }

  /// What follows from an ending; nil to go on with the next hook.
  static func event(after hook: Hook, _ ending: HookResult.Ending) -> RunEvent? {
    switch ending {
    case .exited(0): return nil
    case .exited(75): return .deferred("pre hook \(hook.title) ended with 75")
    case .exited(77): return .skipped("pre hook \(hook.title) ended with 77")
    default:
      let problem = ending.problem(timeout: hook.timeout) ?? ""
      return .attemptFailed("pre hook \(hook.title) \(problem)", .retryable(retryAfter: nil))
    }
  }

  private func output() throws(Failure) -> RunEvent {
    do {
      let bytes = try session.ports.runFiles.output(of: session.run.id, limit: HookOutput.limit)
      return .prepared(try HookOutput(parsing: bytes))
    } catch let problem as HookOutputProblem {
      let place = problem.line.map { " line \($0)" } ?? ""
      return .attemptFailed("SLIPWAY_OUTPUT\(place): \(problem.message)", .retryable(retryAfter: nil))
    } catch let failure as Failure {
      if failure.kind == .fatal { throw failure }
      return .attemptFailed(failure.message, failure.attemptError)
    } catch {
      return .attemptFailed("\(error)", .permanent)
    }
  }
}

extension Failure {
  /// What this failure alone means for an attempt.
  var attemptError: AttemptError {
    switch kind {
    case .transient(let retryAfter): .retryable(retryAfter: retryAfter)
    case .blocked: .blocked
    case .permanent, .fatal: .permanent
    }
  }
}

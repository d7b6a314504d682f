import Logging
import SlipwayModel

/// The post hooks that a run owes, in order. One that ended with 0 is never started again in its run.
struct PostHookStage {
  let session: RunSession
  /// Runs that owe the same hooks, and have had none of them.
  var companions: [RunSession] = []

  func perform() async throws(Failure) -> StageEnd {
    if session.workflow.hooks.post.isEmpty { return .event(.finished) }
    let known = try await session.ports.ledger.hooks(of: session.run.id).filter { $0.phase == .post }
    let due = Self.due(session.workflow.hooks.post, known, session.run.outcome ?? .success)
    if due.isEmpty { return .event(.finished) }
    let paths: RunPaths
    do throws(Failure) {
      try await session.commit()
      paths = try session.ports.runFiles.open(session.run.id, workflow: session.workflow.name)
      try await Manifest(session: session, companions: companions).writeAfterUpload()
    } catch {
      if error.kind == .fatal { throw error }
      return .event(.postHookFailed(error.message))
    }
    return try await run(due, paths)
  }

  struct DueHook: Equatable {
    let hook: Hook
    let identity: String
    let previous: HookRecord?
  }

  /// Which hooks are still to be run. Of a run that has failed for good each is run once, whatever its end.
  static func due(_ hooks: [Hook], _ known: [HookRecord], _ outcome: Run.Outcome) -> [DueHook] {
    zip(hooks, Hook.identities(of: hooks)).compactMap { hook, identity in
      let previous = known.last { $0.hook == identity }
      let isOver = outcome == .success ? previous?.succeeded == true : previous?.result != nil
      let isMeant = hook.condition == .always || hook.condition.rawValue == outcome.rawValue
      return isMeant && !isOver ? DueHook(hook: hook, identity: identity, previous: previous) : nil
    }
  }

  private func run(_ due: [DueHook], _ paths: RunPaths) async throws(Failure) -> StageEnd {
    let starter = HookStarter(session: session, companions: companions, phase: .post, paths: paths)
    for next in due {
      if Task.isCancelled { return .interrupted }
      let finished = try await starter.run(next.hook, identity: next.identity, after: next.previous)
      if finished.result.ending == .cancelled { return .interrupted }
      let event = event(after: next.hook, finished.result.ending)
      if event == nil { for run in [session] + companions { _ = run.apply(.postHookSucceeded) } }
      try await session.commit(companions.flatMap { $0.takeChanges() } + finished.records)
      if let event { return .event(event) }
    }
    return .event(.finished)
  }

  /// nil to go on with the next hook.
  private func event(after hook: Hook, _ ending: HookResult.Ending) -> RunEvent? {
    guard let problem = ending.problem(timeout: hook.timeout) else { return nil }
    let message = "post hook \(hook.title) \(problem)"
    if session.run.outcome == .failure {
      session.logger.error("\(message)")
      return nil
    }
    return ending == .exited(75) ? .deferred(message) : .postHookFailed(message)
  }
}

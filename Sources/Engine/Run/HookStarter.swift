import Logging
import SlipwayModel

/// Starts hooks of a run: their environment, their record in the ledger, their output in the log.
struct HookStarter {
  let session: RunSession
  /// Runs for which the same start stands.
  let companions: [RunSession]
  let phase: Hook.Phase
  /// Opened once for all hooks of the stage: what one appends to the output file stays for the next.
  let paths: RunPaths

  /// How one start of a hook ended.
  struct Finished {
    /// Of each run.
    let records: [LedgerChange]
    let result: HookResult
  }

  /// Runs `hook` once. Its start is committed before, with the run's row; its result is the caller's to commit, with
  /// what follows from it.
  func run(_ hook: Hook, identity: String, after previous: HookRecord?) async throws(Failure) -> Finished {
    let attempt = (previous?.attempt ?? 0) + 1
    let started = session.ports.clock.now()
    let begun = HookRecord(
      run: session.run.id, phase: phase, hook: identity, attempt: attempt, started: started, result: nil)
    try await session.commit(companions.flatMap { $0.takeChanges() } + records(begun, nil))
    session.logger.info("\(phase.rawValue) hook \(hook.title)", metadata: ["attempt": "\(attempt)"])
    let log = HookLog(hook, session.logger)
    let result = await session.ports.hooks.run(invocation(of: hook, attempt: attempt)) { log.take($0) }
    return Finished(records: records(begun, result), result: result)
  }

  /// The output stands once, with the run in whose name the hook was started.
  private func records(_ begun: HookRecord, _ result: HookResult?) -> [LedgerChange] {
    func record(_ run: RunID, _ result: HookResult?) -> LedgerChange {
      .hook(
        HookRecord(
          run: run, phase: begun.phase, hook: begun.hook, attempt: begun.attempt, started: begun.started,
          result: result))
    }
    let note = Array("started together with run \(begun.run), which has its output\n".utf8)
    let shared = result.map { HookResult(ending: $0.ending, output: note, duration: $0.duration) }
    return [record(begun.run, result)] + companions.map { record($0.run.id, shared) }
  }

  private func invocation(of hook: Hook, attempt: Int) -> HookInvocation {
    HookInvocation(
      command: hook.command, environment: environment(of: hook, attempt: attempt),
      directory: session.context.hookDirectory(of: session.run.tree, session.ports.files), manifest: paths.manifest,
      timeout: hook.timeout,
      grace: session.shared.grace, run: session.run.id)
  }

  private func environment(of hook: Hook, attempt: Int) -> [EnvironmentVariable] {
    HookEnvironment(own: session.ports.environment).variables(
      for: hook, phase: phase, run: session.run, as: session.toldTree, at: session.toldPlace, attempt: attempt,
      paths: paths, isDryRun: false)
  }
}

extension HookResult.Ending {
  /// Why it counts as failed, as a clause; nil for exit code 0.
  func problem(timeout: Duration) -> String? {
    switch self {
    case .exited(0): nil
    case .exited(let code): "ended with \(code)"
    case .signalled(let signal): "was ended by signal \(signal)"
    case .timedOut: "was ended after its time limit of \(timeout.components.seconds) s"
    case .cancelled: "was stopped"
    case .couldNotStart(let reason): "could not be started: \(reason)"
    }
  }
}

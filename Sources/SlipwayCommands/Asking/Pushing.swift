import ArgumentParser
import Engine
import Glibc
import Logging
import RunLedger
import SlipwayModel
import StatusServing

/// Has trees pushed by the process that holds the state directory, and follows their runs; does it here, under the lock,
/// where none does.
struct Pushing {
  let assembly: Assembly
  let workflow: WorkflowName
  /// None: whatever the workflow has to do.
  let trees: [TreeID]

  /// A process that has taken the lock and has not opened its socket yet, or closed it and not given the lock back,
  /// has so long.
  private static let patience = Duration.seconds(5)
  private static let pause = Duration.milliseconds(100)

  /// Throws the exit code, always.
  func run() async throws {
    let code: ExitCode
    do throws(Failure) {
      code = try await outcome()
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
    throw code
  }

  private func outcome() async throws(Failure) -> ExitCode {
    var deadline = ContinuousClock.now + Self.patience
    var hasTold = false
    while true {
      if let answer = try await Asking.ask(assembly.stateDirectory, .push(workflow, trees.map(\.path))) {
        if answer.verdict != .later { return try await follow(answer) }
        deadline = .now + Self.patience
        if !hasTold { tellWait() }
        hasTold = true
      } else if let ledger = try await openedLedger(isLast: ContinuousClock.now > deadline) {
        return try await work(ledger)
      }
      // A cancelled pause asks at once, which is never wrong.
      try? await Task.sleep(for: Self.pause)
    }
  }

  private func tellWait() {
    let holder = StateDirectory.holder(of: assembly.stateDirectory).map { "process \($0)" } ?? "another process"
    assembly.logger.notice("waiting for \(holder), which has to end first")
  }

  /// nil while another process has it.
  private func openedLedger(isLast: Bool) async throws(Failure) -> SQLiteLedger? {
    do throws(Failure) {
      return try await assembly.openLedger()
    } catch {
      if error.code != Failure.inUse || isLast { throw error }
      return nil
    }
  }

  // MARK: Another process does it

  private func follow(_ answer: ControlAnswer) async throws(Failure) -> ExitCode {
    let text = String(decoding: answer.text, as: UTF8.self)
    guard answer.verdict == .done else {
      StandardError.shared.write("slipway: \(text)")
      return Asking.code(for: answer.verdict)
    }
    let pushed = PushedRuns(answer: text)
    if pushed.runs.isEmpty { assembly.logger.notice("nothing is ready", metadata: ["workflow": "\(workflow)"]) }
    let outcome = try await RunFollower(assembly: assembly, countsCancelled: !trees.isEmpty).follow(pushed.runs)
    if pushed.unseen == 0 { return outcome.code }
    assembly.logger.error("places that could not be looked at for trees: \(pushed.unseen)")
    return Exit.failure
  }

  // MARK: This process does it

  private func work(_ ledger: SQLiteLedger) async throws(Failure) -> ExitCode {
    let result: Result<ExitCode, Failure>
    do throws(Failure) {
      result = .success(try await ownOutcome(ledger))
    } catch {
      result = .failure(error)
    }
    await ledger.close()
    return try result.get()
  }

  private func ownOutcome(_ ledger: SQLiteLedger) async throws(Failure) -> ExitCode {
    try await acceptRoots(ledger)
    let mode: Orchestrator.Mode = trees.isEmpty ? .once : .push(trees)
    let summary = try await ServiceRun(assembly: assembly, only: [workflow], mode: mode).serve(ledger)
    if trees.isEmpty || summary.fatal != nil { return ServiceRun.code(summary) }
    // A stop that came before they were taken in leaves them as they are.
    if summary.pushed.isEmpty { return Exit.tryAgain }
    var outcome = PushOutcome(countsCancelled: true)
    for id in summary.pushed { outcome.add(try await ledger.run(id)) }
    return outcome.code
  }

  /// Of the directories of a mirror that are pushed.
  private func acceptRoots(_ ledger: SQLiteLedger) async throws(Failure) {
    let known = assembly.configuration.workflows.first { $0.name == workflow }
    guard let known, known.intake.mirrorRule != nil, !known.isDryRun else { return }
    let roots = known.watch.map { TreeID(workflow: workflow, watch: $0.path, name: .here) }
    for root in roots where trees.isEmpty || trees.contains(root) {
      try await MirrorRoot(of: root, assembly.localPorts().files, ledger).accept()
    }
  }
}

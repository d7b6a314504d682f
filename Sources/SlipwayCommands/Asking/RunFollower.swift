import Engine
import Glibc
import Logging
import RunLedger
import SlipwayModel
import StatusServing
import Synchronization
import UnixSignals

/// Follows runs of another process in the ledger, and tells each change of their states, until they are over or
/// deferred.
struct RunFollower {
  let assembly: Assembly
  let countsCancelled: Bool

  private static let shortestPause = Duration.milliseconds(100)
  private static let longestPause = Duration.seconds(1)
  /// A process that is started anew has so long to take the state directory.
  private static let patience = Duration.seconds(5)
  /// Fewer are looked up one by one.
  private static let fewRuns = 16

  /// How they stand at the end: unfinished if one was deferred, if the process has gone, or at a signal.
  func follow(_ runs: [RunID]) async throws(Failure) -> PushOutcome {
    let interruption = await Interruption.watch()
    defer { interruption.end() }
    let ledger = try await SQLiteLedger(readingAt: assembly.stateDirectory)
    let result: Result<PushOutcome, Failure>
    do throws(Failure) {
      result = .success(try await follow(runs, ledger, interruption))
    } catch {
      result = .failure(error)
    }
    await ledger.close()
    return try result.get()
  }

  private func follow(
    _ runs: [RunID], _ ledger: SQLiteLedger, _ interruption: Interruption
  ) async throws(Failure) -> PushOutcome {
    var outcome = PushOutcome(countsCancelled: countsCancelled)
    var pending = runs
    var told: [RunID: RunState] = [:]
    var deadline: ContinuousClock.Instant?
    while true {
      let began = ContinuousClock.now
      let isLast = interruption.hasCome || deadline.map { $0 < began } ?? false
      let rows = try await self.rows(of: pending, ledger)
      pending = []
      for (id, run) in rows {
        if let run { try await tell(run, &told, ledger) }
        if let run, !Self.isOver(run), !isLast { pending.append(id) } else { outcome.add(run) }
      }
      if pending.isEmpty {
        if isLast, outcome.code == Exit.tryAgain { tellLeft(interruption) }
        return outcome
      }
      if try await !isHeld() {
        deadline = deadline ?? .now + Self.patience
      } else {
        deadline = nil
      }
      // A ledger that takes long to read is read less often. A cancelled pause looks at once, which is never wrong.
      let pause = min(Self.longestPause, max(Self.shortestPause, (ContinuousClock.now - began) * 4))
      try? await Task.sleep(for: pause)
    }
  }

  private func tellLeft(_ interruption: Interruption) {
    assembly.logger.warning(
      interruption.hasCome
        ? "the process that is under way goes on with what is left"
        : "the process that was under way has ended; what is left goes on when slipway runs")
  }

  private func rows(of runs: [RunID], _ ledger: SQLiteLedger) async throws(Failure) -> [(RunID, Run?)] {
    var known: [RunID: Run] = [:]
    if runs.count > Self.fewRuns { for run in try await ledger.unfinishedRuns() { known[run.id] = run } }
    var rows: [(RunID, Run?)] = []
    for id in runs {
      if let run = known[id] { rows.append((id, run)) } else { rows.append((id, try await ledger.run(id))) }
    }
    return rows
  }

  /// A deferral is not waited for: the one that stood there before has been taken back.
  private static func isOver(_ run: Run) -> Bool {
    if case .waiting(let waiting) = run.state { return waiting.isDeferral }
    return run.state.isFinal
  }

  /// Whether a process goes on with them. Where the kernel does not tell who holds the lock, the socket does.
  private func isHeld() async throws(Failure) -> Bool {
    if StateDirectory.holder(of: assembly.stateDirectory) != nil { return true }
    return try await Asking.ask(assembly.stateDirectory, .health) != nil
  }

  private func tell(_ run: Run, _ told: inout [RunID: RunState], _ ledger: SQLiteLedger) async throws(Failure) {
    guard told.updateValue(run.state, forKey: run.id) != run.state else { return }
    var values: Logger.Metadata = [
      "workflow": "\(run.tree.workflow)", "run": "\(run.id)", "tree": "\(run.tree.path)",
    ]
    switch run.state {
    case .failed: assembly.logger.error("run failed: \(run.error)", metadata: values)
    case .skipped, .cancelled: assembly.logger.notice("run \(run.state.name): \(run.error)", metadata: values)
    case .waiting(let waiting):
      let until = CalendarDate(waiting.until).extendedFormat
      assembly.logger.warning("run waits until \(until): \(waiting.why)", metadata: values)
    case .done:
      for (name, counts) in try await ledger.uploadCounts(of: run.id) {
        values["\(name)"] = "\(counts.proven) files, \(ProgressLine.size(Double(counts.bytes)))"
      }
      assembly.logger.notice("run done", metadata: values)
    default: assembly.logger.info("run \(run.state.name)", metadata: values)
    }
  }
}

/// The first signal that asks this process to end; what it follows goes on.
private final class Interruption: Sendable {
  private let came = Atomic<Bool>(false)
  private let task: Mutex<Task<Void, Never>?>

  private init() { task = Mutex(nil) }

  static func watch() async -> Interruption {
    let interruption = Interruption()
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    let task = Task {
      for await signal in signals {
        if interruption.came.exchange(true, ordering: .relaxed) { _exit(128 + signal.rawValue) }
      }
    }
    interruption.task.withLock { $0 = task }
    return interruption
  }

  var hasCome: Bool { came.load(ordering: .relaxed) }

  func end() { task.withLock { $0?.cancel() } }
}

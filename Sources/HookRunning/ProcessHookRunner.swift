import CLibc
import Glibc
import Logging
import SlipwayModel
import Subprocess
import Synchronization
import SystemPackage

/// Runs hooks as processes of this machine, each in a session of its own and with nothing of this process but what it
/// is given: environment, directory, the manifest as stdin, one pipe as stdout and stderr.
///
/// The first runner makes this process a child subreaper. `onLine` is called on the hook's thread; while it does not
/// return, this hook's output and limits wait, other hooks go on.
package final class ProcessHookRunner: HookRunner {
  private let log: Logger
  private let live = LiveHooks.ofThisProcess
  /// A hook that ends from here on was killed with this process: that says nothing of it.
  private let isEnding = Atomic(false)

  package init(log: Logger = Logger(label: "slipway.hooks")) {
    self.log = log
    // Without it orphans go to init and cannot be found; said once a runner, as nothing else can be done about it.
    if slipway_become_subreaper() != 0 {
      log.warning("left-over processes of hooks will not be ended: prctl failed, \(errorText(errno))")
    }
  }

  package func run(_ hook: HookInvocation, onLine: @escaping @Sendable ([UInt8]) -> Void) async -> HookResult {
    let begin = ContinuousClock.now
    var end = End(.couldNotStart("no pipe for its cancellation"))
    if let cancellation = CancelSignal() {
      end = await withTaskCancellationHandler {
        // A task of its own: in a cancelled one the library would kill the process at once, without its grace.
        await Task { await self.carryOut(hook, cancellation, onLine) }.value
      } onCancel: {
        cancellation.cancel()
      }
      cancellation.close()
    }
    return HookResult(ending: end.ending, output: end.output, duration: .now - begin)
  }

  /// Kills every hook of this process with all below it, and waits for none: for a process that ends now. Any thread.
  ///
  /// The process table knows more than we do: a hook that has been forked and whose number nobody has told us yet, and
  /// what has left a hook's group. What shares our session is no hook's.
  package func killAll() {
    isEnding.store(true, ordering: .sequentiallyConsistent)
    for case let pid? in live.snapshot().values.map(\.pid) { kill(-pid, SIGKILL) }
    let session = getsid(0)
    for entry in ProcessTable.descendants(of: getpid()) where entry.session != session { kill(entry.pid, SIGKILL) }
  }

  private struct End: Sendable {
    var ending: HookResult.Ending
    var output: [UInt8]

    init(_ ending: HookResult.Ending, output: [UInt8] = []) {
      self.ending = ending
      self.output = output
    }
  }

  private func carryOut(
    _ hook: HookInvocation, _ cancellation: CancelSignal, _ onLine: @escaping @Sendable ([UInt8]) -> Void
  ) async -> End {
    if cancellation.isCancelled { return End(.cancelled) }
    do throws(StartFailure) {
      let launch = try await onOwnThread { HookLaunch.opening(hook) }.get()
      defer { launch.close() }
      let supervision = Supervision(hook: hook, launch: launch, cancellation: cancellation, onLine: onLine)
      let token = live.begin(hook.run)
      defer { live.end(token) }
      return try await supervise(supervision, token)
    } catch {
      return End(.couldNotStart(error.reason))
    }
  }

  /// All that the thread of a hook needs to know of it.
  private struct Supervision: Sendable {
    let hook: HookInvocation
    let launch: HookLaunch
    let cancellation: CancelSignal
    let onLine: @Sendable ([UInt8]) -> Void
  }

  /// A script that somebody writes to cannot be executed (ETXTBSY); one that is just being replaced soon can.
  private static let busyAttempts = 20
  private static let busyInterval = Duration.milliseconds(20)

  private func supervise(_ supervision: Supervision, _ token: LiveHooks.Token) async throws(StartFailure) -> End {
    var attempt = 1
    while true {
      do {
        return try await started(supervision, token)
      } catch let error as SubprocessError where error.underlyingError == .textFileBusy && attempt < Self.busyAttempts {
        attempt += 1
        // The task is never cancelled, and to wait too short a time would do no harm.
        try? await Task.sleep(for: Self.busyInterval)
      } catch let error as SubprocessError {
        throw await failure(error, supervision.launch)
      } catch let error as StartFailure {
        throw error
      } catch {
        throw StartFailure("\(error)")
      }
    }
  }

  private func started(_ supervision: Supervision, _ token: LiveHooks.Token) async throws -> End {
    let launch = supervision.launch
    let writer = FileDescriptor(rawValue: launch.outputWriter.number)
    let result = try await Subprocess.run(
      launch.command.configuration(directory: launch.directory),
      input: .fileDescriptor(FileDescriptor(rawValue: launch.manifest.number), closeAfterSpawningProcess: false),
      output: .fileDescriptor(writer, closeAfterSpawningProcess: false),
      error: .fileDescriptor(writer, closeAfterSpawningProcess: false)
    ) { execution in
      live.started(token, pid: execution.processIdentifier.value)
      launch.outputWriter.close()
      return try await watch(execution.processIdentifier, supervision, token)
    }
    let outcome = result.closureResult
    if isEnding.load(ordering: .sequentiallyConsistent) { return End(.cancelled, output: outcome.output) }
    report(outcome, of: supervision.hook)
    return End(outcome.stopped ?? Self.ending(result.terminationStatus), output: outcome.output)
  }

  private func watch(
    _ process: ProcessIdentifier, _ supervision: Supervision, _ token: LiveHooks.Token
  ) async throws(StartFailure) -> HookSupervisor.Outcome {
    let leftOvers = LeftOvers(hook: token, pid: process.value, run: supervision.hook.run, live: live)
    return try await onOwnThread {
      var supervisor = HookSupervisor(
        (process.value, process.processDescriptor), output: supervision.launch.output.number,
        cancellation: supervision.cancellation, leftOvers: leftOvers, timeout: supervision.hook.timeout,
        grace: supervision.hook.grace, onLine: supervision.onLine)
      return supervisor.supervise()
    }
  }

  private static func ending(_ status: TerminationStatus) -> HookResult.Ending {
    switch status {
    case .exited(let code): .exited(code)
    case .signaled(let signal): .signalled(signal)
    }
  }

  private func report(_ outcome: HookSupervisor.Outcome, of hook: HookInvocation) {
    if !outcome.leftOvers.isEmpty {
      log.notice("killed \(outcome.leftOvers.count) processes that a hook of run \(hook.run) had left running")
    }
    if !outcome.isSwept {
      log.warning("processes that a hook of run \(hook.run) has left do not end, although they were killed")
    }
  }

  private func failure(_ error: SubprocessError, _ launch: HookLaunch) async -> StartFailure {
    guard error.code == .spawnFailed || error.code == .executableNotFound else { return StartFailure("\(error)") }
    // The library says ENOENT for whatever execve(2) said of the path: missing, forbidden, no interpreter.
    let code = error.code == .spawnFailed ? error.underlyingError?.rawValue : nil
    let program = launch.command.program
    do {
      return try await onOwnThread { StartFailure.diagnosing(program, code: code) }
    } catch {
      return error
    }
  }
}

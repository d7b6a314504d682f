import ArgumentParser
import Engine
import Glibc
import SlipwayModel
import UnixSignals

/// One life of the engine in this process: signals, the live line, and the exit code.
struct ServiceRun {
  let assembly: Assembly
  let only: Set<WorkflowName>?
  let mode: Orchestrator.Mode

  func run() async throws {
    let running: RunningPorts
    let orchestrator: Orchestrator
    let meter = TransferMeter()
    do throws(Failure) {
      running = try await assembly.openForWriting(watches: mode == .service)
      orchestrator = try Orchestrator(
        assembly.configuration, only: only, ports: running.ports, mode: mode, logger: assembly.logger, meter: meter)
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
    await handleSignals(orchestrator, running)
    let progress = Task { if StandardError.shared.isTerminal { await ProgressLine(meter: meter).draw() } }
    let summary = await orchestrator.run()
    progress.cancel()
    await progress.value
    await running.close()
    throw Self.code(summary)
  }

  /// The worst of what happened.
  static func code(_ summary: Orchestrator.Summary) -> ExitCode {
    if let fatal = summary.fatal { return Exit.code(for: fatal) }
    if summary.failed > 0 { return Exit.failure }
    return summary.unfinished > 0 ? Exit.tryAgain : Exit.success
  }

  /// The first signal drains; the second ends the process as that signal would, its hooks with it.
  private func handleSignals(_ orchestrator: Orchestrator, _ running: RunningPorts) async {
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    Task {
      var isStopping = false
      for await signal in signals {
        if isStopping {
          running.killHooks()
          _exit(128 + signal.rawValue)
        }
        isStopping = true
        await orchestrator.stop()
      }
    }
  }
}

import ArgumentParser
import Engine
import Glibc
import Logging
import RunLedger
import SlipwayModel
import StatusServing
import UnixSignals

/// The engine in this process: signals, the live line, and the exit code.
struct ServiceRun {
  let assembly: Assembly
  let only: Set<WorkflowName>?
  let mode: Orchestrator.Mode
  /// Reads the workflow file again, for SIGHUP; nil where that signal ends the process like any other.
  var reading: (@Sendable () -> Assembly?)?

  /// Throws the exit code, always.
  func run() async throws {
    let summary: Orchestrator.Summary
    do throws(Failure) {
      let ledger = try await assembly.openLedger()
      summary = try await serve(ledger)
      await ledger.close()
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
    if summary.unfinished > 0 {
      assembly.logger.notice("left unfinished: \(summary.unfinished); the next start goes on with it")
    }
    throw Self.code(summary)
  }

  /// The worst of what happened.
  static func code(_ summary: Orchestrator.Summary) -> ExitCode {
    if let fatal = summary.fatal { return Exit.code(for: fatal) }
    if !summary.failed.isEmpty || summary.unseen > 0 { return Exit.failure }
    return summary.unfinished > 0 ? Exit.tryAgain : Exit.success
  }

  /// With signals, the live line and the control socket around it.
  func serve(_ ledger: SQLiteLedger) async throws(Failure) -> Orchestrator.Summary {
    let meter = TransferMeter()
    let control = ServiceControl(
      reading: reading, stateDirectory: assembly.stateDirectory, logger: assembly.logger)
    let socket = ControlServer(in: assembly.stateDirectory) { await control.answer($0) }
    do throws(Failure) { try await socket.start() } catch { assembly.logger.warning("\(error.message)") }
    let result: Result<Orchestrator.Summary, Failure>
    do throws(Failure) {
      result = .success(try await serve(ledger, control, meter))
    } catch {
      result = .failure(error)
    }
    await socket.stop()
    return try result.get()
  }

  /// One engine after the other: a new one for each reading of the file. The ledger and its lock stay.
  private func serve(
    _ ledger: SQLiteLedger, _ control: ServiceControl, _ meter: TransferMeter
  ) async throws(Failure) -> Orchestrator.Summary {
    let signals = await watchSignals(control)
    let progress = Task { if StandardError.shared.isTerminal { await ProgressLine(meter: meter).draw() } }
    defer {
      signals.cancel()
      progress.cancel()
    }
    var current = assembly
    var engine = try engine(of: current, over: ledger, meter, after: Orchestrator.Summary())
    while true {
      await control.use(engine.orchestrator, engine.running)
      let summary = await engine.orchestrator.run()
      engine.running.close()
      guard summary.fatal == nil, let next = await control.takeReading() else { return summary }
      do throws(Failure) {
        engine = try self.engine(of: next, over: ledger, meter, after: summary)
        current = next
      } catch {
        current.logger.error("\(error.message)")
        current.logger.error("the workflow file cannot be used: the old one stays")
        engine = try self.engine(of: current, over: ledger, meter, after: summary)
      }
    }
  }

  private func engine(
    of assembly: Assembly, over ledger: SQLiteLedger, _ meter: TransferMeter, after earlier: Orchestrator.Summary
  ) throws(Failure) -> (orchestrator: Orchestrator, running: RunningPorts) {
    let running = try assembly.open(over: ledger, state: self.assembly.stateDirectory, watches: mode == .service)
    do throws(Failure) {
      let orchestrator = try Orchestrator(
        assembly.configuration, only: only, after: earlier, ports: running.ports, mode: mode,
        logger: assembly.logger, meter: meter)
      return (orchestrator, running)
    } catch {
      running.close()
      throw error
    }
  }

  private func watchSignals(_ control: ServiceControl) async -> Task<Void, Never> {
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    return Task { for await signal in signals { await control.handle(signal) } }
  }
}

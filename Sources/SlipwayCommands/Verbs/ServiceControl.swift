import Engine
import Glibc
import Logging
import SlipwayModel
import StatusServing
import UnixSignals

/// What signals do to the engine under way.
///
/// SIGHUP lets the engine finish or record what is under way and begins a new one with the file as it is now: a start
/// is a scan, so nothing is lost between the two. A broken file is told, and the old one stays.
actor ServiceControl {
  private let reading: (@Sendable () -> Assembly?)?
  /// The one that is locked.
  private let stateDirectory: BytePath
  private let logger: Logger
  private var current: (orchestrator: Orchestrator, running: RunningPorts)?
  private var isStopping = false
  private var next: Assembly?

  init(reading: (@Sendable () -> Assembly?)?, stateDirectory: BytePath, logger: Logger) {
    self.reading = reading
    self.stateDirectory = stateDirectory
    self.logger = logger
  }

  /// The engine that the next signals are for.
  func use(_ orchestrator: Orchestrator, _ running: RunningPorts) async {
    current = (orchestrator, running)
    if isStopping || next != nil { await orchestrator.stop() }
  }

  /// What a verb of another process wants.
  func answer(_ request: ControlRequest) async -> ControlAnswer {
    guard let current else { return ControlAnswer(.later, Array("it has not begun yet".utf8)) }
    return await EngineAnswers(engine: current.orchestrator).answer(request)
  }

  /// What the next engine is made of; nil if there is to be none.
  func takeReading() -> Assembly? {
    defer { next = nil }
    return isStopping ? nil : next
  }

  /// The first signal drains; the second ends the process as that signal would, its hooks with it.
  func handle(_ signal: UnixSignal) async {
    if signal == .sighup, let reading { return await readAgain(reading) }
    if isStopping {
      // First: what fails because it is killed is nobody's failure.
      await current?.orchestrator.stop()
      current?.running.killProcesses()
      _exit(128 + signal.rawValue)
    }
    isStopping = true
    await current?.orchestrator.stop()
  }

  private func readAgain(_ reading: () -> Assembly?) async {
    if isStopping { return }
    guard let assembly = reading() else {
      return logger.error("the workflow file cannot be used: the old one stays")
    }
    logger.notice("the workflow file has been read again")
    if assembly.stateDirectory != stateDirectory {
      logger.warning("state_dir is another one now: that waits for a restart")
    }
    // One that was read while the engine is ending takes the place of the one before it.
    let isEnding = next != nil
    next = assembly
    if !isEnding { await current?.orchestrator.stop() }
  }
}

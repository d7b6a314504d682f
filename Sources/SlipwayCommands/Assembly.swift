import ArgumentParser
import Checksums
import Engine
import Glibc
import HTTPTransport
import HookRunning
import LocalFiles
import Logging
import ObjectStores
import PatternMatching
import RunLedger
import SlipwayModel
import TreeWatching

/// Puts the adapters together: the only place that names them all.
struct Assembly {
  let configuration: Configuration
  let logger: Logger
  let clock: any SlipwayModel.Clock

  /// Threads for tasks that block on files. A few more than cores: some of them wait for a disk.
  static let fileThreads = max(4, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  init(_ configuration: Configuration, output: OutputOptions, log: LogFormat) {
    let clock = SystemClock()
    self.configuration = configuration
    self.clock = clock
    logger = output.logger(format: log, clock: clock)
  }

  /// From the workflow file; tells what is wrong with it and ends with 78.
  static func reading(_ file: FileOptions, output: OutputOptions, log: LogFormat) throws -> Assembly {
    Assembly(try ConfigurationLoading(file).loadOrExit(), output: output, log: log)
  }

  /// The names given with --only, checked.
  func workflowNames(_ only: [String]) throws -> Set<WorkflowName>? {
    if only.isEmpty { return nil }
    for name in only where !configuration.workflows.contains(where: { $0.name.text == name }) {
      let known = configuration.workflows.map(\.name.text).joined(separator: ", ")
      throw ValidationError("there is no workflow '\(escaped(name.utf8))'; there are \(known).")
    }
    return Set(only.map { WorkflowName($0) })
  }

  static var defaultStateDirectory: BytePath {
    if let home = getenv("XDG_STATE_HOME").map({ BytePath(String(cString: $0)) }), home.isAbsolute {
      return home.appending("slipway")
    }
    if geteuid() == 0 { return BytePath("/var/lib/slipway") }
    let home = getenv("HOME").map { String(cString: $0) } ?? "/"
    return BytePath(home).appending(".local/state/slipway")
  }

  var stateDirectory: BytePath { configuration.settings.stateDirectory ?? Self.defaultStateDirectory }

  // MARK: Ports

  /// For a process that acts: takes the lock of the state directory.
  /// `watches` is false where a scan is all that is wanted.
  func openForWriting(watches: Bool) async throws(Failure) -> RunningPorts {
    let directory = try StateDirectory(stateDirectory)
    let ledger = try await SQLiteLedger(in: directory)
    return try running(ledger, watches ? try InotifySource() : NoEvents())
  }

  /// For `--dry-run`: no lock, nothing written; works beside a running service.
  func openForReading() async throws(Failure) -> RunningPorts {
    do throws(Failure) {
      return try running(try await SQLiteLedger(readingAt: stateDirectory), NoEvents())
    } catch {
      if error.code == SQLiteLedger.noLedger { return try running(EmptyLedger(), NoEvents()) }
      throw error
    }
  }

  private func running(_ ledger: any Ledger, _ events: any EventSource) throws(Failure) -> RunningPorts {
    let transport = try HTTPTransport()
    let executor = try FileThreads(count: Self.fileThreads)
    let hooks = ProcessHookRunner(log: logger)
    let roots = configuration.workflows.flatMap { $0.watch.map(\.path) }
    let ports = EnginePorts(
      files: LocalTreeFiles(roots: roots), runFiles: LocalRunFiles(state: stateDirectory),
      events: events, stores: try stores(transport, executor), ledger: ledger, hooks: hooks,
      patterns: PCRE2Compiler(), clock: clock, fileExecutor: executor, environment: ProcessEnvironment.bytes,
      host: ProcessEnvironment.host)
    return RunningPorts(ports: ports, ledger: ledger as? SQLiteLedger, transport: transport, hooks: hooks)
  }

  /// Only what some workflow uses: a destination that nobody uses may lack its region or its credentials.
  private func stores(
    _ transport: HTTPTransport, _ threads: FileThreads
  ) throws(Failure) -> [DestinationName: any ObjectStore] {
    let used = Set(configuration.workflows.flatMap(\.destinations))
    var stores: [DestinationName: any ObjectStore] = [:]
    for destination in configuration.destinations.values where used.contains(destination.name) {
      switch destination.kind {
      case .directory(let path):
        stores[destination.name] = DirectoryStore(at: path, threads: threads)
      case .s3(let settings):
        stores[destination.name] = try S3ObjectStore(
          settings, environment: ProcessEnvironment.text, transport: transport)
      }
    }
    return stores
  }

  /// For verbs that look at files only.
  func localPorts() -> EnginePorts {
    Self.localPorts(
      roots: configuration.workflows.flatMap { $0.watch.map(\.path) }, state: stateDirectory, clock: clock,
      hooks: NoHooks())
  }

  /// For a hook by hand.
  static func handPorts(state: BytePath) -> EnginePorts {
    localPorts(roots: [], state: state, clock: SystemClock(), hooks: ProcessHookRunner())
  }

  private static func localPorts(
    roots: [BytePath], state: BytePath, clock: any SlipwayModel.Clock, hooks: any HookRunner
  ) -> EnginePorts {
    EnginePorts(
      files: LocalTreeFiles(roots: roots), runFiles: LocalRunFiles(state: state), events: NoEvents(), stores: [:],
      ledger: EmptyLedger(), hooks: hooks, patterns: PCRE2Compiler(), clock: clock,
      fileExecutor: globalConcurrentExecutor,
      environment: ProcessEnvironment.bytes, host: ProcessEnvironment.host)
  }
}

/// The ports of a process under way, and what of them must be ended.
struct RunningPorts: Sendable {
  let ports: EnginePorts
  fileprivate let ledger: SQLiteLedger?
  fileprivate let transport: HTTPTransport
  fileprivate let hooks: ProcessHookRunner

  /// Writes what is to be written and gives the lock back. Called once.
  func close() async {
    transport.shutdown()
    await ledger?.close()
  }

  /// Ends every hook at once; for the second signal.
  func killHooks() {
    hooks.killAll()
  }
}

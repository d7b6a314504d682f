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
import S3Client
import SlipwayModel
import TreeWatching
import WorkflowFile

/// Puts the adapters together: the only place that does, but for the loader of the workflow file, from which all of this
/// comes.
struct Assembly {
  private(set) var configuration: Configuration
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

  /// With --no-dry-run: no workflow is one that only tells what it would do.
  func withoutDryRuns() -> Assembly {
    var assembly = self
    for index in configuration.workflows.indices { assembly.configuration.workflows[index].isDryRun = false }
    return assembly
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

  /// Takes the lock of the state directory and opens the ledger, for a process that acts.
  func openLedger() async throws(Failure) -> SQLiteLedger {
    try await SQLiteLedger(in: try StateDirectory(stateDirectory))
  }

  /// Everything that acts, over `ledger`. `watches` is false where a scan is all that is wanted.
  func open(over ledger: SQLiteLedger, state: BytePath, watches: Bool) throws(Failure) -> RunningPorts {
    let transport = try Self.transport()
    let executor = try FileThreads(count: Self.fileThreads)
    let hooks = ProcessHookRunner(log: logger)
    var ports = Self.localPorts(roots: roots, state: state, clock: clock, hooks: hooks)
    let pace = WatchPace(rescan: configuration.settings.rescan, poll: configuration.settings.poll)
    ports.events = watches ? try InotifySource(pace) : NoEvents()
    ports.stores = try stores(transport, executor)
    let plugins = ports.stores.values.compactMap { $0 as? PluginStore }
    ports.ledger = ledger
    ports.fileExecutor = executor
    #if DEBUG
      if let crashing = CrashingProcess.current { ports = crashing.points.around(ports) }
    #endif
    return RunningPorts(ports: ports, transport: transport, hooks: hooks, plugins: plugins)
  }

  /// The same for verbs that ask the destinations, too.
  func openForLooking() async throws(Failure) -> LookingPorts {
    var ports = try await openForReading()
    let transport = try Self.transport()
    let executor = try FileThreads(count: Self.fileThreads)
    ports.fileExecutor = executor
    ports.stores = try stores(transport, executor)
    let plugins = ports.stores.values.compactMap { $0 as? PluginStore }
    return LookingPorts(ports: ports, transport: transport, plugins: plugins)
  }

  /// For `--dry-run`: takes no lock, writes no ledger, reaches no destination; works beside a running service.
  func openForReading() async throws(Failure) -> EnginePorts {
    var ports = Self.localPorts(
      roots: roots, state: stateDirectory, clock: clock, hooks: ProcessHookRunner(log: logger))
    do throws(Failure) {
      ports.ledger = try await SQLiteLedger(readingAt: stateDirectory)
    } catch {
      if error.code != SQLiteLedger.noLedger { throw error }
    }
    return ports
  }

  private var roots: [BytePath] {
    configuration.workflows.flatMap { $0.watch.map(\.path) + [$0.intake.workingDirectory].compactMap { $0 } }
  }

  /// Only what some workflow uses: a destination that nobody uses may lack its region or its credentials.
  private func stores(
    _ transport: HTTPTransport, _ threads: FileThreads
  ) throws(Failure) -> [DestinationName: any ObjectStore] {
    let used = Set(configuration.workflows.flatMap(\.destinations))
    let limit = configuration.settings.bandwidth.map { RateLimit(bytesPerSecond: $0) }
    var stores: [DestinationName: any ObjectStore] = [:]
    for destination in configuration.destinations.values where used.contains(destination.name) {
      switch destination.kind {
      case .directory(let path):
        stores[destination.name] = DirectoryStore(at: path, threads: threads)
      case .s3(let settings):
        stores[destination.name] = try S3ObjectStore(
          settings, environment: ProcessEnvironment.text,
          transport: Self.sender(to: settings, over: transport, within: limit), patterns: PCRE2Compiler())
      case .plugin(let settings): stores[destination.name] = plugin(settings, destination.name)
      }
    }
    return stores
  }

  func plugin(_ settings: PluginDestination, _ name: DestinationName) -> PluginStore {
    PluginStore(
      settings, called: name, environment: ProcessEnvironment.bytes, grace: configuration.settings.grace, logger: logger
    )
  }

  /// A destination's own limit of bandwidth counts within that of the settings. A copy to a directory is not limited:
  /// it goes over no network that we know of.
  private static func sender(
    to settings: S3Destination, over transport: HTTPTransport, within limit: RateLimit?
  ) -> any HTTPSender {
    var sender: any HTTPSender = transport
    #if DEBUG
      if let crashing = CrashingProcess.current { sender = CrashingSender(sender: sender, process: crashing) }
    #endif
    let own = settings.bandwidth.map { RateLimit(bytesPerSecond: $0, within: limit) } ?? limit
    return own.map { LimitedSender(sender, limit: $0) } ?? sender
  }

  // MARK: For verbs that ask one destination

  static func transport() throws(Failure) -> HTTPTransport {
    try HTTPTransport(HTTPTransport.Settings(caBundle: ProcessEnvironment.caBundle))
  }

  func client(of settings: S3Destination, over transport: HTTPTransport) throws(Failure) -> S3Client {
    let clock = clock
    return try S3Client(
      settings, environment: ProcessEnvironment.text, transport: transport, now: { clock.now() })
  }

  /// What it stores has a name of its own.
  func serverCheck(
    of destination: Destination, _ settings: S3Destination, over transport: HTTPTransport
  ) -> ServerCheck {
    let clock = clock
    let name = RunID(at: clock.now(), entropy: (.random(in: 0 ... .max), .random(in: 0 ... .max)))
    return ServerCheck(
      settings, prefix: destination.prefix, name: name.text, environment: ProcessEnvironment.text,
      transport: transport, patterns: PCRE2Compiler(), now: { clock.now() })
  }

  // MARK: For verbs that ask none

  /// For verbs that look at files only.
  func localPorts() -> EnginePorts {
    Self.localPorts(roots: roots, state: stateDirectory, clock: clock, hooks: NoHooks())
  }

  /// For a hook by hand.
  static func handPorts(state: BytePath) -> EnginePorts {
    localPorts(roots: [], state: state, clock: SystemClock(), hooks: ProcessHookRunner())
  }

  private static func localPorts(
    roots: [BytePath], state: BytePath, clock: any SlipwayModel.Clock, hooks: any HookRunner
  ) -> EnginePorts {
    var ports = EnginePorts(
      files: LocalTreeFiles(roots: roots), runFiles: LocalRunFiles(state: state), events: NoEvents(), stores: [:],
      ledger: EmptyLedger(), hooks: hooks, patterns: PCRE2Compiler(), clock: clock,
      fileExecutor: globalConcurrentExecutor,
      environment: ProcessEnvironment.bytes, host: ProcessEnvironment.host, machineStarted: SystemClock().machineStarted
    )
    ports.treeSettings = TreeSettingsFile(patterns: PCRE2Compiler())
    return ports
  }
}

/// The ports of a verb that changes nothing, with its destinations.
struct LookingPorts: Sendable {
  let ports: EnginePorts
  fileprivate let transport: HTTPTransport
  fileprivate let plugins: [PluginStore]

  /// Ends the connections and the plugins, these side by side. May be called twice.
  func close() {
    for plugin in plugins { plugin.beginClosing() }
    transport.shutdown()
    for plugin in plugins { plugin.close() }
  }
}

/// The ports of an engine under way, and what of them must be ended.
struct RunningPorts: Sendable {
  let ports: EnginePorts
  fileprivate let transport: HTTPTransport
  fileprivate let hooks: ProcessHookRunner
  fileprivate let plugins: [PluginStore]

  /// Ends the connections and the plugins, these side by side. May be called twice.
  func close() {
    for plugin in plugins { plugin.beginClosing() }
    transport.shutdown()
    for plugin in plugins { plugin.close() }
  }

  /// Ends every hook and every plugin at once; for the second signal.
  func killProcesses() {
    hooks.killAll()
    for plugin in plugins { plugin.kill() }
  }
}

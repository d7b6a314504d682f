import SlipwayModel

/// Everything outside that the engine works with; put together in one place, by whoever starts it.
public struct EnginePorts: Sendable {
  public var files: any TreeFiles
  public var runFiles: any RunFiles
  public var events: any EventSource
  public var stores: [DestinationName: any ObjectStore]
  public var ledger: any Ledger
  public var hooks: any HookRunner
  public var patterns: any PatternCompiler
  /// For workflows with `tree_settings`.
  public var treeSettings: any TreeSettingsReader = NoTreeSettings()
  public var clock: any Clock
  /// Runs the tasks that block in the kernel on files.
  public var fileExecutor: any TaskExecutor
  /// Slipway's own environment: for templates, and for what hooks are given of it.
  public var environment: [String: [UInt8]]
  public var host: String
  /// When the machine was started: what had not been made durable by then is gone.
  public var machineStarted: Timestamp

  public init(
    files: any TreeFiles, runFiles: any RunFiles, events: any EventSource,
    stores: [DestinationName: any ObjectStore], ledger: any Ledger, hooks: any HookRunner,
    patterns: any PatternCompiler, clock: any Clock, fileExecutor: any TaskExecutor, environment: [String: [UInt8]],
    host: String, machineStarted: Timestamp = Timestamp(nanoseconds: .min)
  ) {
    self.files = files
    self.runFiles = runFiles
    self.events = events
    self.stores = stores
    self.ledger = ledger
    self.hooks = hooks
    self.patterns = patterns
    self.clock = clock
    self.fileExecutor = fileExecutor
    self.environment = environment
    self.host = host
    self.machineStarted = machineStarted
  }
}

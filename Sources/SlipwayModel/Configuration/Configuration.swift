/// What the workflow files say, checked and resolved: every path absolute, every default filled in.
public struct Configuration: Sendable {
  public var settings: Settings
  public var destinations: [DestinationName: Destination]
  /// In the order of the file.
  public var workflows: [Workflow]

  public init(
    settings: Settings = Settings(), destinations: [DestinationName: Destination] = [:], workflows: [Workflow] = []
  ) {
    self.settings = settings
    self.destinations = destinations
    self.workflows = workflows
  }
}

/// `settings:` of the file.
public struct Settings: Sendable, Hashable {
  /// nil: the default of the user who runs Slipway.
  public var stateDirectory: BytePath?
  /// Requests in flight over all workflows.
  public var transfers = 64
  /// Bytes a second over all workflows; nil: no limit.
  public var bandwidth: Int64?
  /// Runs at once.
  public var trees = 16
  /// How often everything is listed again, events or not.
  public var rescan = Duration.seconds(3600)
  /// How often directories of which events do not tell everything are listed again.
  public var poll = Duration.seconds(10)
  /// What the first SIGTERM leaves for what is under way.
  public var drain = Duration.seconds(25)
  /// How long the ledger remembers what has ended.
  public var keep = Duration.seconds(90 * 86_400)
  /// From a hook's TERM to its KILL.
  public var grace = Duration.seconds(5)

  public init() {}
}

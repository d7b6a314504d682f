/// One tree's way through one workflow: a row of the ledger.
public struct Run: Sendable, Hashable {
  public let id: RunID
  public let tree: TreeID
  /// The marker that made the tree ready; nil if somebody did by hand and none lay there when it began.
  public var marker: MarkerIdentity?
  public let created: Timestamp
  public var state: RunState
  /// nil until it is known; a run that has failed for good still owes hooks and `after`.
  public var outcome: Outcome?
  /// Where it has failed for good, and goes on when it is retried; nil if it has not.
  public var failedStage: RunState.Stage?
  /// The current or the last attempt, from 1; 0 before the first.
  public var attempt: Int
  /// Failed tries of the current stage: attempts, one post hook, or `after` with the attempts that it asked for.
  public var failures: Int
  /// The last error; stays when a later attempt goes well.
  public var error: String
  /// The evaluated `target_prefix`, fixed at the start of the run, with what a pre hook put behind it.
  public var targetPrefix: [UInt8]?
  public var output: HookOutput
  /// What the tree itself says, fixed with the plan.
  public var settings: TreeSettings
  /// When the row last changed.
  public var updated: Timestamp

  public enum Outcome: String, Sendable, Hashable {
    case success, failure
  }

  public init(id: RunID, tree: TreeID, marker: MarkerIdentity?, created: Timestamp) {
    self.id = id
    self.tree = tree
    self.marker = marker
    self.created = created
    self.state = .ready
    self.outcome = nil
    self.failedStage = nil
    self.attempt = 0
    self.failures = 0
    self.error = ""
    self.targetPrefix = nil
    self.output = HookOutput()
    self.settings = TreeSettings()
    self.updated = created
  }
}

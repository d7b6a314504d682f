import SlipwayModel

extension Orchestrator {
  public enum Mode: Sendable, Hashable {
    /// Until it is stopped, or no workflow has an intake left.
    case service
    /// What is ready, what waits and what failed earlier; then the end.
    case once
    /// These trees, each ready now with its marker or without, and nothing else; then the end.
    case push([TreeID])
  }

  /// How it went, and what the engine that comes next in this process has to know.
  public struct Summary: Sendable {
    /// Trees whose latest run of this process failed.
    public var failed: Set<TreeID> = []
    /// The runs of the trees that this process was to push.
    public var pushed: [RunID] = []
    /// Under `--once`: what could not be looked at for trees.
    public var unseen = 0
    /// Runs that were begun or were to begin, and have not ended.
    public var unfinished = 0
    var begun = BegunTrees()
    /// Those of the unfinished that somebody waits for.
    var awaited: Set<RunID> = []
    /// Why it had to stop; nil if it ended by itself or was told to.
    public var fatal: Failure?

    /// Before the first engine of a process.
    public init() {}
  }

  var summary: Summary {
    var summary = Summary()
    (summary.failed, summary.pushed, summary.unseen) = (failedTrees, ownRuns, unseen)
    summary.unfinished = interrupted + backlog.unfinished + tasks.count
    // Nobody knows what it would have come by.
    if mode != .service, !hasLookedAtAll { summary.unfinished += 1 }
    (summary.begun, summary.awaited, summary.fatal) = (backlog.begun, pushed, fatal)
    return summary
  }
}

/// Runs hook processes.
public protocol HookRunner: Sendable {
  /// Starts the hook and waits for its end, its time limit, or the cancellation of the task, which ends it as the time
  /// limit does: TERM to its group, `grace`, KILL. Throws nothing: what went wrong is a result. `onLine` is called in
  /// order for each line of stdout and stderr, without its newline, cut at 4 KiB. Not idempotent; the engine decides
  /// whether a hook is started again.
  func run(_ hook: HookInvocation, onLine: @escaping @Sendable ([UInt8]) -> Void) async -> HookResult
}

/// Everything that a hook process is given.
public struct HookInvocation: Sendable {
  public var command: Hook.Command
  /// The whole environment, in order; the last of two equal names counts.
  public var environment: [EnvironmentVariable]
  /// The working directory.
  public var directory: BytePath
  /// Opened read-only as stdin.
  public var manifest: BytePath
  public var timeout: Duration
  public var grace: Duration
  /// Stands in the hook's environment as SLIPWAY_RUN_ID, and tells its left-over processes from another's.
  public var run: RunID

  public init(
    command: Hook.Command, environment: [EnvironmentVariable], directory: BytePath, manifest: BytePath,
    timeout: Duration, grace: Duration, run: RunID
  ) {
    self.command = command
    self.environment = environment
    self.directory = directory
    self.manifest = manifest
    self.timeout = timeout
    self.grace = grace
    self.run = run
  }
}

/// How a hook ended.
public struct HookResult: Sendable, Hashable {
  public enum Ending: Sendable, Hashable {
    case exited(Int32)
    case signalled(Int32)
    case timedOut
    /// The task was cancelled, and the process ended for it.
    case cancelled
    /// The reason, one clause: no such file, not executable.
    case couldNotStart(String)
  }

  public let ending: Ending
  /// The last 64 KiB of stdout and stderr together, as they came.
  public let output: [UInt8]
  public let duration: Duration

  public init(ending: Ending, output: [UInt8], duration: Duration) {
    self.ending = ending
    self.output = output
    self.duration = duration
  }

  /// The longest output that is kept, in bytes.
  public static let outputLimit = 64 * 1024
}

/// Where a run stands. Each is a committed row before the engine takes its next step.
///
///     ready → preparing → uploading → uploaded → finishing → retiring → done
///
/// The engine alone moves a run, by `Run.apply(_:)`; a person moves it to `cancelled`, and a failed one back to where it
/// failed.
public enum RunState: Sendable, Hashable {
  /// Taken in; nothing has been done.
  case ready
  /// Pre hooks may be running.
  case preparing
  /// Objects are being sent.
  case uploading
  /// Every destination has everything.
  case uploaded
  /// Owes its post hooks.
  case finishing
  /// Owes `after`.
  case retiring
  /// Between two attempts, or deferred by a hook; goes on with `stage` at `until`.
  case waiting(Waiting)
  case done
  case failed
  /// A pre hook ended with 77.
  case skipped
  case cancelled

  public struct Waiting: Sendable, Hashable {
    public let stage: Stage
    public let until: Timestamp
    public let why: String
    /// Deferred by exit code 75: not an attempt, and not waited for under `--once`.
    public let isDeferral: Bool

    public init(stage: Stage, until: Timestamp, why: String, isDeferral: Bool) {
      self.stage = stage
      self.until = until
      self.why = why
      self.isDeferral = isDeferral
    }
  }

  /// What a run goes on with after a wait or a restart.
  public enum Stage: String, Sendable, Hashable {
    /// The pre hooks, then the upload.
    case prepare
    case upload
    case finish
    case retire
  }

  public var isFinal: Bool {
    switch self {
    case .done, .failed, .skipped, .cancelled: true
    default: false
    }
  }

  /// The word for it in the ledger, in logs and in `--json`.
  public var name: String {
    switch self {
    case .ready: "ready"
    case .preparing: "preparing"
    case .uploading: "uploading"
    case .uploaded: "uploaded"
    case .finishing: "finishing"
    case .retiring: "retiring"
    case .waiting: "waiting"
    case .done: "done"
    case .failed: "failed"
    case .skipped: "skipped"
    case .cancelled: "cancelled"
    }
  }

  /// Every word that `name` may be.
  public static let names = [
    "ready", "preparing", "uploading", "uploaded", "finishing", "retiring", "waiting", "done", "failed", "skipped",
    "cancelled",
  ]
}

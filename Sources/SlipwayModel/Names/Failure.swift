/// What went wrong outside, as every port tells it.
///
/// The layer that knows what an error means says so once, in `kind`; the engine switches on that alone.
public struct Failure: Error, Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// It may go well later; not before `retryAfter` if the other side named a time.
    case transient(retryAfter: Duration?)
    /// The destination refuses everybody: bad credentials, no such bucket. It waits for an operator.
    case blocked
    /// The same again would fail again.
    case permanent
    /// The process must not go on: its records cannot be kept.
    case fatal
  }

  public let kind: Kind
  /// What was tried, as a verb: `upload`, `open`, `read`.
  public let operation: String
  /// On what, already escaped for people.
  public let subject: String
  /// A stable name where there is one: `ENOENT`, `AccessDenied`; empty otherwise.
  public let code: String
  /// One clause without a full stop.
  public let cause: String
  /// What the operator can do about it; empty where nothing better than the cause can be said.
  public let remedy: String
  /// The other side could not be reached at all: no file and no request is to blame.
  public let isUnreachable: Bool

  public init(
    _ kind: Kind, _ operation: String, _ subject: String, code: String = "", cause: String, remedy: String = "",
    isUnreachable: Bool = false
  ) {
    self.kind = kind
    self.operation = operation
    self.subject = subject
    self.code = code
    self.cause = cause
    self.remedy = remedy
    self.isUnreachable = isUnreachable
  }

  /// One sentence: what failed, on what, why, then what to do.
  public var message: String {
    "cannot \(operation) \(subject): \(cause)" + (remedy.isEmpty ? "" : "; \(remedy)")
  }
}

extension Failure {
  /// The same, of which a later attempt may be spared.
  public var mayPass: Failure {
    Failure(
      .transient(retryAfter: nil), operation, subject, code: code, cause: cause, remedy: remedy,
      isUnreachable: isUnreachable)
  }
}

extension Failure: CustomStringConvertible {
  public var description: String { message }
}

extension Failure {
  /// The code of a file that is not, or no longer, what was planned.
  public static let sourceChanged = "SourceChanged"
  /// The code of a file that cannot be read, of whatever destination it was read for.
  public static let sourceUnreadable = "SourceUnreadable"

  /// The code of a key for which a directory has no room: an object lies where its directory belongs, or others lie below
  /// its name.
  public static let inTheWay = "InTheWay"

  /// Whether a destination's store tells what is wrong with the file, and not with itself.
  public var isOfSource: Bool { code == Self.sourceChanged || code == Self.sourceUnreadable }
}

extension Failure {
  /// The code of a state directory that another process holds.
  public static let inUse = "InUse"
}

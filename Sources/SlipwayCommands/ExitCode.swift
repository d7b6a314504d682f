import ArgumentParser
import Engine
import SlipwayModel

/// What the process ends with; the numbers of sysexits(3) where there is one.
enum Exit {
  static let success = ExitCode(0)
  /// A run failed.
  static let failure = ExitCode(1)
  static let usage = ExitCode(64)
  /// A bug of Slipway.
  static let software = ExitCode(70)
  /// The state directory cannot be written.
  static let cannotWrite = ExitCode(74)
  /// Try again later: deferred, left unfinished, or the state directory is in use.
  static let tryAgain = ExitCode(75)
  static let configuration = ExitCode(78)

  /// For a failure before anything was run.
  static func code(for failure: Failure) -> ExitCode {
    switch failure.code {
    case Failure.inUse, RunRefusal.later: return tryAgain
    case RunRefusal.notThere: return usage
    case RunRefusal.wrongState: return Exit.failure
    default: break
    }
    switch failure.kind {
    case .fatal: return cannotWrite
    // A destination that lacks its region, a directory that cannot be watched: the operator's to put right.
    case .permanent, .blocked: return configuration
    case .transient: return Exit.failure
    }
  }
}

import Glibc
import SlipwayModel

/// The system refused what the transport cannot work without.
enum SystemProblem {
  /// By `errno`.
  static func failure(_ operation: String, _ subject: String) -> Failure {
    let code = errno
    return Failure(.fatal, operation, subject, code: "errno \(code)", cause: String(cString: strerror(code)))
  }

  static let outOfMemory = Failure(
    .fatal, "start", "the HTTP transport", code: "ENOMEM", cause: "libcurl could not allocate its state")
}

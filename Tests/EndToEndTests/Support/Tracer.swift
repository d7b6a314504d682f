import TestSupport

/// strace(1) in front of the program: makes system calls on some files fail, or writes them down.
enum Tracer {
  private static let program = "/usr/bin/strace"
  /// Beside a test that is skipped.
  static let need = "needs strace, and the right to trace"

  static let isAvailable = succeeds([program, "-f", "-o", "/dev/null", "/bin/true"])

  /// Such `calls` of each thread fail with `error`, the `number`th and, unless it is `once`, all after it; where they are
  /// about one of `paths`. What happens is written to the file `log`.
  static func failing(
    _ calls: String, with error: String, at number: Int, once: Bool = false, on paths: [String], log: String
  ) -> [String] {
    recording(calls, on: paths, log: log)
      + ["-e", "inject=\(calls):error=\(error):when=\(number)\(once ? "" : "+")"]
  }

  /// The lines of `log` are these calls about `paths`.
  static func recording(_ calls: String, on paths: [String], log: String) -> [String] {
    [program, "-f", "-qq", "-o", log, "-e", "signal=none", "-e", "trace=\(calls)"] + paths.flatMap { ["-P", $0] }
  }
}

import Glibc
import SlipwayModel

extension ConfigurationChecks {
  /// Each program is there, may be run, and is written by nobody else.
  func checkHooks(_ workflow: WorkflowDraft) {
    for hook in workflow.hooks {
      if case .program(let path, _) = hook.value.command { checkProgram(path, called: "hook", at: hook.mark) }
    }
  }

  /// The same of each plugin, whether a workflow uses it or not.
  func checkPlugins() {
    for program in draft.destinations.values.compactMap(\.program) {
      checkProgram(program.value, called: "plugin", at: program.mark)
    }
  }

  private func checkProgram(_ path: BytePath, called kind: String, at mark: Mark) {
    if path.isAbsolute {
      checkFile(path, kind, at: mark)
    } else if let found = programInPath(path) {
      writers.check(found, at: mark)
    } else {
      diagnostics.error("the \(kind) '\(path)' is not in PATH or cannot be executed", at: mark)
    }
  }

  private func checkFile(_ path: BytePath, _ kind: String, at mark: Mark) {
    switch LocalInspection.facts(path) {
    case .failure(let error) where error.number == ENOENT:
      diagnostics.error("the \(kind) '\(path)' does not exist", at: mark)
    case .failure(let error):
      diagnostics.error("the \(kind) '\(path)' cannot be read: \(error)", at: mark)
    case .success(let facts) where !facts.isRegular:
      diagnostics.error("the \(kind) '\(path)' is not a regular file", at: mark)
    case .success:
      if !LocalInspection.isAllowed(X_OK, path) {
        diagnostics.error("the \(kind) '\(path)' is not executable; chmod +x it", at: mark)
      }
      writers.check(path, at: mark)
    }
  }

  /// Where a bare name leads to. A relative directory in PATH would be looked up in the tree, and is left out.
  private func programInPath(_ name: BytePath) -> BytePath? {
    let directories = (environment["PATH"] ?? Self.defaultPath).utf8.split(separator: UInt8(ascii: ":"))
    let candidates = directories.map { BytePath(Array($0)) }.filter(\.isAbsolute).map { $0.appending(name) }
    return candidates.first { candidate in
      guard case .success(let facts) = LocalInspection.facts(candidate) else { return false }
      return facts.isRegular && LocalInspection.isAllowed(X_OK, candidate)
    }
  }

  private static let defaultPath = "/usr/local/bin:/usr/bin:/bin"
}

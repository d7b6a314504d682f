import Glibc
import SlipwayModel

/// What stands in the way of executing a file, as far as its path tells.
enum ExecutionObstacle: Hashable {
  case missing
  case notRegular
  case notExecutable
  case unreachable(CInt)

  /// nil if the path is a regular file that this process may execute.
  init?(to path: BytePath) {
    var status = stat()
    if path.bytes.withCString({ stat($0, &status) }) != 0 {
      let code = errno
      self = code == ENOENT || code == ENOTDIR ? .missing : .unreachable(code)
    } else if status.st_mode & S_IFMT != S_IFREG {
      self = .notRegular
    } else if path.bytes.withCString({ faccessat(AT_FDCWD, $0, X_OK, AT_EACCESS) }) != 0 {
      self = .notExecutable
    } else {
      return nil
    }
  }

  /// One clause for people.
  func reason(_ path: BytePath) -> String {
    switch self {
    case .missing: "no such file: \(path)"
    case .notRegular: "not a regular file: \(path)"
    case .notExecutable: "not executable: \(path)"
    case .unreachable(let code): "\(errorText(code)): \(path)"
    }
  }
}

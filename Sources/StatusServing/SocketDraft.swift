import Glibc
import SlipwayModel

/// A socket that is made where nobody else comes to it, and gets its name when its mode is right: bind(2) makes it with
/// the process's umask, and connect(2) asks for no more than the socket's own mode.
final class SocketDraft {
  private let state: Int32
  private let path: BytePath

  private static let directory = "control.new"
  private static let name = "control.new/socket"

  init(in path: BytePath) throws(Failure) {
    self.path = path
    state = open(path.controlText, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard state >= 0 else { throw Self.failure(path, errno) }
    // What a crash in here left behind.
    unlinkat(state, Self.name, 0)
    if mkdirat(state, Self.directory, 0o700) != 0, errno != EEXIST { throw Self.failure(path, errno) }
  }

  deinit {
    if state >= 0 {
      unlinkat(state, Self.directory, AT_REMOVEDIR)
      close(state)
    }
  }

  /// For bind(2): short, whatever the state directory's path; an address has 107 bytes (unix(7)).
  var address: String { "/proc/self/fd/\(state)/\(Self.name)" }

  func publish(as name: String) throws(Failure) {
    guard fchmodat(state, Self.name, 0o600, 0) == 0, renameat(state, Self.name, state, name) == 0 else {
      throw Self.failure(path, errno)
    }
  }

  private static func failure(_ path: BytePath, _ number: Int32) -> Failure {
    Failure(
      .fatal, "make", "the control socket in \(path)", cause: String(cString: strerror(number)))
  }
}

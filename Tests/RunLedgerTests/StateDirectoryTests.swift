import Glibc
import RunLedger
import SlipwayModel
import TestSupport
import Testing

@Suite("The state directory")
struct StateDirectoryTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("is made with its parents, for its user alone")
  func made() throws {
    let state = try StateDirectory(directory.path("a/b/state"))
    #expect(mode(of: state.path) == 0o700)
    #expect(mode(of: directory.path("a")) == 0o700)
    #expect(mode(of: state.path.appending("lock")) == 0o600)
    #expect(state.ledger == directory.path("a/b/state/ledger.sqlite"))
    #expect(try directory.read("a/b/state/lock") == Array("\(getpid())\n".utf8))
  }

  @Test("is refused to the second who wants it, with the pid of the first")
  func inUse() throws {
    let path = directory.path("state")
    var first: StateDirectory? = try StateDirectory(path)
    let failure = try #require(throws: Failure.self) { try StateDirectory(path) }
    #expect(
      failure.message
        == "cannot use \(path): process \(getpid()) is using it; wait until it ends, or give this one a state_dir of "
        + "its own")
    #expect(failure.code == "InUse")
    #expect(failure.kind == .transient(retryAfter: nil))
    withExtendedLifetime(first) {}
    first = nil
    _ = try StateDirectory(path)
  }

  @Test("is free again when its process was killed, whatever it wrote")
  func stale() throws {
    try directory.makeDirectory(BytePath("state"))
    try directory.write("4194999 and more\n", to: "state/lock")
    _ = try StateDirectory(directory.path("state"))
    #expect(try directory.read("state/lock") == Array("\(getpid())\n".utf8))
  }

  @Test("is refused where others may write, and the remedy is told")
  func writableByOthers() throws {
    let path = try directory.makeDirectory(BytePath("state"))
    #expect(chmod(path.description, 0o777) == 0)
    let failure = try #require(throws: Failure.self) { try StateDirectory(path) }
    #expect(failure.message == "cannot use the state directory \(path): others may write in it; chmod go-w \(path)")
    #expect(failure.code == "Unusable")
    #expect(failure.kind == .fatal)
  }

  @Test("may be open to its user's own group and to no other", .enabled(if: geteuid() == 0, "needs root"))
  func writableByGroup() throws {
    let path = try directory.makeDirectory(BytePath("state"))
    #expect(chmod(path.description, 0o770) == 0)
    _ = try StateDirectory(path)
    #expect(chown(path.description, geteuid(), 12_345) == 0)
    #expect(throws: Failure.self) { try StateDirectory(path) }
  }

  @Test("is refused if it is another user's", .enabled(if: geteuid() == 0, "needs root"))
  func anotherUsers() throws {
    let path = try directory.makeDirectory(BytePath("state"))
    #expect(chown(path.description, 12_345, 12_345) == 0)
    let failure = try #require(throws: Failure.self) { try StateDirectory(path) }
    #expect(
      failure.message
        == "cannot use the state directory \(path): it belongs to user 12345, and Slipway runs as user 0; "
        + "choose another one")
  }

  @Test("cannot be a file, lie below a file, or have a name that is not UTF-8")
  func impossible() throws {
    let file = try directory.write("x", to: "file")
    #expect(try message(file) == "cannot use the state directory \(file): it is not a directory; choose another one")
    let below = file.appending("state")
    #expect(
      try message(below)
        == "cannot use the state directory \(below): Not a directory; make it, or choose another one")
    let odd = directory.path.appending(BytePath([0xFF]))
    #expect(try message(odd) == "cannot use the state directory \(odd): its path is not UTF-8; choose another one")
  }

  private func message(_ path: BytePath) throws -> String {
    try #require(throws: Failure.self) { try StateDirectory(path) }.message
  }
}

func mode(of path: BytePath) -> mode_t {
  var status = stat()
  return stat(path.description, &status) == 0 ? status.st_mode & 0o7777 : 0
}

import CLibc
import Glibc
import SlipwayModel
import TestSupport
import Testing

@testable import LocalFiles

@Suite("Markers")
struct MarkerTests {
  let tree = TemporaryTree()
  let files = LocalTreeFiles()

  @Test("A marker that nobody writes is told closed, with its identity and age")
  func closed() throws {
    tree.file("t/.ready")
    let state = try #require(try files.marker(at: tree["t/.ready"]))
    #expect(state.isOpenForWriting == false)
    #expect(state.age >= .zero && state.age < .seconds(60))
    #expect(try files.marker(at: tree["t/.ready"])?.identity == state.identity)
  }

  @Test("A marker that somebody has open for writing says so")
  func open() throws {
    let path = tree.file("t/.ready")
    let writer = cString(path) { Glibc.open($0, O_WRONLY | O_CLOEXEC) }
    #expect(try files.marker(at: path)?.isOpenForWriting == true)
    close(writer)
    awaitNoWriter(path)
    #expect(try files.marker(at: path)?.isOpenForWriting == false)
  }

  @Test("A writer that breaks a lease does not end the process")
  func leaseBroken() throws {
    let path = tree.file("marker")
    let reader = cString(path) { Glibc.open($0, O_RDONLY | O_CLOEXEC) }
    defer { close(reader) }
    #expect(slipway_set_lease(reader, F_RDLCK) == 0)
    let writer = cString(path) { Glibc.open($0, O_WRONLY | O_NONBLOCK | O_CLOEXEC) }
    #expect(writer == -1 && errno == EWOULDBLOCK)
    #expect(slipway_set_lease(reader, F_UNLCK) == 0)
  }

  @Test("A directory, a link, a FIFO of the marker's name, or nothing, is no marker")
  func noMarker() throws {
    tree.directory("t/.ready")
    tree.link("link", to: "t")
    tree.fifo("pipe")
    for name in ["t/.ready", "link", "pipe", "none", "none/.ready"] {
      #expect(try files.marker(at: tree[name]) == nil)
    }
  }

  @Test("A marker that may not be read counts, only its writers are unknown")
  func unreadable() throws {
    let path = tree.file(".ready")
    _ = cString(tree.path) { chmod($0, 0o755) }
    _ = cString(path) { chmod($0, 0) }
    let state = try withoutPrivileges { try files.marker(at: path) }
    #expect(state?.isOpenForWriting == nil)
    #expect(state != nil)
  }

  @Test("A marker is removed only while it is the same one")
  func removal() throws {
    let path = tree.file(".ready")
    let identity = try #require(try files.marker(at: path)).identity
    let other = MarkerIdentity(inode: identity.inode, modified: identity.modified + 1)
    #expect(try files.removeMarker(at: path, ifStill: other) == false)
    #expect(tree.exists(".ready"))
    #expect(try files.removeMarker(at: path, ifStill: identity))
    #expect(!tree.exists(".ready"))
    #expect(try files.removeMarker(at: path, ifStill: identity))
    #expect(try files.removeMarker(at: tree["none/.ready"], ifStill: identity))
  }
}

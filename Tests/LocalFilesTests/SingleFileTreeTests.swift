import Glibc
import SlipwayModel
import TestSupport
import Testing

@testable import LocalFiles

@Suite("A tree that is one file")
struct SingleFileTreeTests {
  let tree = TemporaryTree()
  let files: LocalTreeFiles

  init() { files = LocalTreeFiles(roots: [tree.path]) }

  @Test("is walked, opened and fingerprinted by the path '.'")
  func reading() throws {
    let path = tree.file("d/x", "hello")
    let file = try files.open(.here, in: path)
    #expect(file.fingerprint.size == 5)
    #expect(try file.fingerprintOfName() == file.fingerprint)
    #expect(try files.walk(path).rest == [WalkEntry(path: .here, kind: .file(file.fingerprint))])
    #expect(try files.fingerprint(.here, in: path) == file.fingerprint)
  }

  @Test("cannot be walked where it is a link, a FIFO or gone")
  func notAFile() {
    tree.file("x")
    tree.link("link", to: "x")
    tree.fifo("pipe")
    for name in ["link", "pipe", "none"] {
      #expect(throws: Failure.self) { try files.walk(tree[name]) }
    }
  }

  @Test("is removed only while it is what was delivered; its directory stays")
  func removal() throws {
    let path = tree.file("d/x", "hello")
    let delivered = try #require(try files.fingerprint(.here, in: path))
    tree.file("d/x", "other!")
    #expect(try files.remove(.here, in: path, ifStill: delivered) == false)
    let now = try #require(try files.fingerprint(.here, in: path))
    #expect(try files.remove(.here, in: path, ifStill: now))
    #expect(!tree.exists("d/x") && tree.exists("d"))
    #expect(try files.remove(.here, in: path, ifStill: now))
  }

  @Test("is moved, under another name if its own is taken")
  func moving() throws {
    for (directory, name) in [("a", "x"), ("b", "x-1")] {
      let path = tree.file("\(directory)/x", directory)
      #expect(try files.move(path, into: tree["done"]) == tree["done/\(name)"])
      #expect(tree.content("done/\(name)") == directory)
    }
  }

  @Test("tells with its fingerprint whether somebody has it open for writing")
  func writers() throws {
    let path = tree.file("x", "hello")
    let writer = cString(path) { Glibc.open($0, O_WRONLY | O_CLOEXEC) }
    #expect(try files.state(of: .here, in: path)?.isOpenForWriting == true)
    close(writer)
    awaitNoWriter(path)
    let state = try #require(try files.state(of: BytePath("x"), in: tree.path))
    #expect(state.isOpenForWriting == false && state.fingerprint.size == 5 && state.age < .seconds(60))
    tree.link("link", to: "x")
    for name in ["link", "none", "x/y"] { #expect(try files.state(of: .here, in: tree[name]) == nil) }
  }

  @Test("that may not be read is told, only its writers are unknown")
  func unreadable() throws {
    let path = tree.file("x", "hello")
    _ = cString(tree.path) { chmod($0, 0o755) }
    _ = cString(path) { chmod($0, 0) }
    let state = try withoutPrivileges { try files.state(of: .here, in: path) }
    #expect(state?.isOpenForWriting == nil && state?.fingerprint.size == 5)
  }
}

import CLibc
import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("Opening below a tree")
struct OpeningTests {
  let tree = TemporaryTree()

  @Test("A file is opened with the fingerprint it has, and tells when that changes")
  func opening() throws {
    let files = LocalTreeFiles(roots: [tree.path])
    tree.file("t/a/b", "123")
    let file = try files.open(BytePath("a/b"), in: tree["t"])
    #expect(file.fingerprint.size == 3)
    #expect(try file.currentFingerprint() == file.fingerprint)
    tree.file("t/a/b", "12345")
    #expect(try file.currentFingerprint().size == 5)
    #expect(try files.fingerprint(BytePath("a/b"), in: tree["t"])?.size == 5)
  }

  @Test("A link is not followed, last or on the way, below the tree or between the watched directory and the tree")
  func links() throws {
    let files = LocalTreeFiles(roots: [tree.path])
    tree.file("outside/secret")
    tree.directory("t")
    tree.link("t/last", to: "../outside/secret")
    tree.link("t/way", to: "../outside")
    tree.link("u", to: "outside")
    for (path, below) in [("last", "t"), ("way/secret", "t"), ("secret", "u")] {
      let failure = #expect(throws: Failure.self) { try files.open(BytePath(path), in: tree[below]) }
      #expect(failure?.code == "ELOOP")
      #expect(failure?.kind == .transient(retryAfter: nil))
      #expect(try files.fingerprint(BytePath(path), in: tree[below]) == nil)
    }
    #expect(throws: Failure.self) { try files.walk(tree["u"]) }
    #expect(throws: Failure.self) { try files.open(BytePath("../outside/secret"), in: tree["t"]) }
  }

  @Test("To a watched directory the path may lead over a link")
  func linkToTheRoot() throws {
    tree.file("real/t/file")
    tree.link("watched", to: "real")
    let files = LocalTreeFiles(roots: [tree["watched"]])
    #expect(try files.walk(tree["watched/t"]).rest.map(\.path) == [BytePath("file")])
    #expect(try files.open(BytePath("file"), in: tree["watched/t"]).fingerprint.size == 1)
  }

  @Test("A FIFO, and a directory, in place of a file neither block nor open")
  func special() throws {
    let files = LocalTreeFiles()
    tree.fifo("pipe")
    tree.directory("sub")
    for name in ["pipe", "sub"] {
      let failure = #expect(throws: Failure.self) { try files.open(BytePath(name), in: tree.path) }
      #expect(failure?.message == "cannot open \(tree.text)/\(name): it is no longer a regular file")
      #expect(try files.fingerprint(BytePath(name), in: tree.path) == nil)
    }
    let missing = #expect(throws: Failure.self) { try files.open(BytePath("none"), in: tree.path) }
    #expect(missing?.message == "cannot open \(tree.text)/none: No such file or directory")
  }

  @Test("A tree that is replaced by another of the same name is opened anew")
  func replacedRoot() throws {
    let files = LocalTreeFiles()
    tree.file("t/file", "1")
    #expect(try files.open(BytePath("file"), in: tree["t"]).fingerprint.size == 1)
    tree.move("t", "old")
    tree.file("t/file", "22")
    #expect(try files.open(BytePath("file"), in: tree["t"]).fingerprint.size == 2)
  }

  @Test("A walk looks for its tree anew, also while a file of the one that was replaced is open; so do later files")
  func replacedUnderOpenFile() throws {
    let files = LocalTreeFiles()
    tree.file("t/file", "1")
    let old = try files.open(BytePath("file"), in: tree["t"])
    tree.move("t", "old")
    tree.file("t/file", "22")
    let walked = try files.walk(tree["t"]).rest
    let new = try files.open(BytePath("file"), in: tree["t"])
    #expect(walked == [WalkEntry(path: BytePath("file"), kind: .file(new.fingerprint))])
    #expect(new.fingerprint.size == 2)
    #expect(old.fingerprint.size == 1)
  }

  @Test("A file holds its own descriptor and the tree's, and nothing stays open behind it")
  func descriptors() throws {
    let files = LocalTreeFiles()
    for index in 0..<100 { tree.file("f\(index)") }
    for _ in 0..<10 {
      for index in 0..<100 { _ = try files.open(BytePath("f\(index)"), in: tree.path) }
    }
    do {
      let held = [try files.open(BytePath("f0"), in: tree.path), try files.open(BytePath("f1"), in: tree.path)]
      #expect(openDescriptors(below: tree.path) == 3)
      withExtendedLifetime(held) {}
    }
    #expect(openDescriptors(below: tree.path) == 0)
  }

  @Test("Without openat2 each component is opened by itself, and neither a link nor '..' is passed")
  func stepwise() throws {
    tree.file("a/b/c")
    tree.link("a/way", to: "b")
    let root = try PathOpening.open(tree.path.bytes, at: AT_FDCWD, flags: O_RDONLY, resolution: .anywhere)
    defer { close(root) }
    let descriptor = try PathOpening.openStepwise(Array("a/b/c".utf8), at: root, flags: O_RDONLY)
    close(descriptor)
    for (path, code) in [("a/way/c", "ENOTDIR"), ("a/../a/b/c", "EXDEV"), ("/etc/passwd", "EXDEV"), ("a/x", "ENOENT")] {
      let error = #expect(throws: ErrorNumber.self) {
        try PathOpening.openStepwise(Array(path.utf8), at: root, flags: O_RDONLY)
      }
      #expect(error?.name == code)
    }
  }

  @Test("A path with a NUL opens nothing")
  func nul() throws {
    tree.file("a")
    let path = BytePath(Array("a".utf8) + [0] + Array("b".utf8))
    let failure = #expect(throws: Failure.self) { try LocalTreeFiles().open(path, in: tree.path) }
    #expect(failure?.code == "ENOENT")
  }
}

import CLibc
import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("Retiring what is delivered")
struct RetiringTests {
  let tree = TemporaryTree()
  let files = LocalTreeFiles()

  private func fingerprint(_ name: String) throws -> Fingerprint {
    try #require(try files.fingerprint(BytePath(name), in: tree.path))
  }

  @Test("A file is removed while it has the planned fingerprint, whatever device number a reboot gave it")
  func removal() throws {
    tree.file("a/b")
    let planned = try fingerprint("a/b")
    let rebooted = Fingerprint(
      device: planned.device + 1, inode: planned.inode, size: planned.size, modified: planned.modified,
      changed: planned.changed)
    #expect(try files.remove(BytePath("a/b"), in: tree.path, ifStill: rebooted))
    #expect(!tree.exists("a/b"))
    #expect(try files.remove(BytePath("a/b"), in: tree.path, ifStill: planned))
    #expect(try files.remove(BytePath("none/b"), in: tree.path, ifStill: planned))
  }

  @Test("A file that was changed or replaced stays")
  func changedFile() throws {
    tree.file("a", "1")
    let planned = try fingerprint("a")
    tree.file("a", "22")
    #expect(try files.remove(BytePath("a"), in: tree.path, ifStill: planned) == false)
    #expect(tree.content("a") == "22")
    tree.directory("d")
    #expect(try files.remove(BytePath("d"), in: tree.path, ifStill: planned) == false)
  }

  @Test("A file that lies behind a link now stays")
  func behindLink() throws {
    tree.file("d/file")
    let planned = try fingerprint("d/file")
    tree.move("d", "elsewhere")
    tree.link("d", to: "elsewhere")
    #expect(try files.remove(BytePath("d/file"), in: tree.path, ifStill: planned) == false)
    #expect(tree.exists("elsewhere/file"))
  }

  @Test("Empty directories go, deepest first; those with anything in them stay")
  func emptyDirectories() throws {
    tree.directory("t/a/b/c")
    tree.directory("t/full/empty")
    tree.file("t/full/file")
    tree.link("t/links", to: "/etc")
    try files.removeEmptyDirectories(in: tree["t"], keepingRoot: false)
    #expect(!tree.exists("t/a"))
    #expect(!tree.exists("t/full/empty"))
    #expect(tree.exists("t/full/file"))
    #expect(tree.exists("t/links"))
    _ = cString(tree["t/full/file"]) { unlink($0) }
    _ = cString(tree["t/links"]) { unlink($0) }
    try files.removeEmptyDirectories(in: tree["t"], keepingRoot: true)
    #expect(tree.exists("t") && !tree.exists("t/full"))
    try files.removeEmptyDirectories(in: tree["t"], keepingRoot: false)
    #expect(!tree.exists("t"))
    try files.removeEmptyDirectories(in: tree["t"], keepingRoot: false)
  }

  @Test("A moved tree keeps its name, or gets a number behind it where the name is taken")
  func moving() throws {
    for expected in ["t", "t-1", "t-2"] {
      tree.file("in/t/file", expected)
      #expect(try files.move(tree["in/t"], into: tree["made/for/it"]) == tree["made/for/it"].appending(expected))
      #expect(tree.content("made/for/it/\(expected)/file") == expected)
    }
    #expect(!tree.exists("in/t"))
    let failure = #expect(throws: Failure.self) { try files.move(tree["in/t"], into: tree["made"]) }
    #expect(failure?.message == "cannot move \(tree.text)/in/t into \(tree.text)/made: No such file or directory")
  }

  @Test("Another file system is a permanent failure that says what to do")
  func otherFileSystem() throws {
    tree.file("in/t/file")
    let failure = #expect(throws: Failure.self) { try files.move(tree["in/t"], into: BytePath("/dev/shm")) }
    #expect(failure?.kind == .permanent)
    #expect(
      failure?.message == """
        cannot move \(tree.text)/in/t into /dev/shm: they lie on different file systems; \
        name a directory on the file system of \(tree.text)/in
        """)
    #expect(tree.exists("in/t/file"))
  }
}

import CLibc
import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("The walk of a tree")
struct TreeWalkTests {
  let tree = TemporaryTree()
  let files = LocalTreeFiles()

  private func paths() throws -> [BytePath] { try files.walk(tree.path).rest.map(\.path) }

  @Test("What lies in a directory comes where its name with a slash belongs, as the bytes of the whole paths say")
  func order() throws {
    let names = ["a.txt", "a/x", "a/b/c", "a0", "a!", "a", "B", "z/y", "z-1/q", "é", "e\u{301}"].filter { $0 != "a" }
    for name in names { tree.file(name) }
    tree.file(BytePath([0xFF, 0x0A]))
    tree.file(BytePath([0x01]))
    let expected = (names.map { BytePath($0) } + [BytePath([0xFF, 0x0A]), BytePath([0x01])]).sorted()
    #expect(try paths() == expected)
  }

  @Test("Thousands of arbitrary names come in byte order, none twice and none missing")
  func manyNames() throws {
    var random = SystemRandomNumberGenerator()
    var made: Set<BytePath> = []
    for index in 0..<3000 {
      let length = Int.random(in: 1...12, using: &random)
      let bytes = (0..<length).map { _ in UInt8.random(in: 0x21...0xFF, using: &random) }.filter { $0 != 0x2F }
      made.insert(BytePath("d\(index % 7)").appending(BytePath(bytes + Array("\(index)".utf8))))
    }
    for path in made { tree.file(path) }
    #expect(try paths() == made.sorted())
  }

  @Test("Links, FIFOs and sockets are told as such and never followed or opened")
  func otherKinds() throws {
    tree.link("link", to: "/etc")
    tree.link("loop", to: "loop")
    tree.fifo("pipe")
    tree.file("file", "12345")
    let kinds = try files.walk(tree.path).rest.map { entry in
      switch entry.kind {
      case .file(let fingerprint): "\(entry.path) file \(fingerprint.size)"
      case .link: "\(entry.path) link"
      case .special: "\(entry.path) special"
      case .unreadable: "\(entry.path) unreadable"
      }
    }
    #expect(kinds == ["file file 5", "link link", "loop link", "pipe special"])
  }

  @Test("A tree 1,000 directories deep is walked, opened and retired with a bounded number of descriptors")
  func depth() throws {
    let (depth, name) = (1_000, "directory")
    var descriptor = cString(tree.path) { open($0, O_RDONLY | O_DIRECTORY) }
    for level in 0..<depth {
      #expect(mkdirat(descriptor, name, 0o755) == 0)
      if level % 100 == 0 { close(openat(descriptor, "zz", O_WRONLY | O_CREAT, 0o644)) }
      let next = openat(descriptor, name, O_RDONLY | O_DIRECTORY)
      close(descriptor)
      descriptor = next
    }
    close(openat(descriptor, "bottom", O_WRONLY | O_CREAT, 0o644))
    close(descriptor)

    let walk = try files.walk(tree.path)
    let first = try #require(walk.next())
    #expect(first.path.bytes.count == depth * 10 + 6)
    #expect(openDescriptors(below: tree.path) <= DirectoryStack.openLevelsMax + 2)
    let rest = walk.rest
    #expect(rest.count == depth / 100)
    #expect(rest.last?.path == BytePath("zz"))

    let opened = try files.open(first.path, in: tree.path)
    #expect(opened.fingerprint.size == 0)
    #expect(try files.fingerprint(first.path, in: tree.path) == opened.fingerprint)
    for entry in [first] + rest {
      guard case .file(let fingerprint) = entry.kind else { continue }
      #expect(try files.remove(entry.path, in: tree.path, ifStill: fingerprint))
    }
    try files.removeEmptyDirectories(in: tree.path, keepingRoot: true)
    #expect(!tree.exists(name))
    #expect(tree.exists("."))
  }

  @Test("An unreadable directory is an entry where its content would stand, and the others go on")
  func unreadableDirectory() throws {
    tree.file("a")
    tree.file("secret/x")
    tree.file("z")
    _ = cString(tree.path) { chmod($0, 0o755) }
    _ = cString(tree["secret"]) { chmod($0, 0) }
    let entries = try withoutPrivileges { try files.walk(tree.path).rest }
    #expect(entries.map(\.path) == [BytePath("a"), BytePath("secret"), BytePath("z")])
    guard case .unreadable(let failure) = try #require(entries.dropFirst().first).kind else {
      Issue.record("not unreadable")
      return
    }
    #expect(failure.kind == .permanent)
    #expect(
      failure.message == """
        cannot read directory \(tree.text)/secret: Permission denied; \
        the user that runs slipway needs the permission: see `namei -l` of the path
        """)
  }

  @Test("What vanishes between the listing and its turn is not there; what becomes a link is a link")
  func vanishing() throws {
    for name in ["a", "b", "c", "d/x"] { tree.file(name) }
    let walk = try files.walk(tree.path)
    #expect(walk.next()?.path == BytePath("a"))
    _ = cString(tree["b"]) { unlink($0) }
    _ = cString(tree["c"]) { unlink($0) }
    tree.link("c", to: "/etc/passwd")
    #expect(walk.next() == WalkEntry(path: BytePath("c"), kind: .link))
    _ = cString(tree["d/x"]) { unlink($0) }
    _ = cString(tree["d"]) { rmdir($0) }
    #expect(walk.next() == nil)
  }

  @Test("A directory that is replaced by a link under the walk is told and not followed")
  func swappedDirectory() throws {
    tree.file("a")
    tree.file("d/x")
    let walk = try files.walk(tree.path)
    #expect(walk.next()?.path == BytePath("a"))
    tree.move("d", "elsewhere")
    tree.link("d", to: "/etc")
    guard let entry = walk.next(), case .unreadable(let failure) = entry.kind else {
      Issue.record("not unreadable")
      return
    }
    #expect(entry.path == BytePath("d"))
    #expect(failure.kind == .transient(retryAfter: nil))
    #expect(failure.message == "cannot read \(tree.text)/d: it was replaced while the tree was read")
    #expect(walk.next() == nil)
  }

  @Test("A directory that was closed on the way down and is gone on the way up is told, and its parents go on")
  func movedBelowTheWalk() throws {
    let names = (0..<300).map { "d\($0)" }
    tree.file(names.joined(separator: "/") + "/bottom")
    tree.file("d0/d1/zz")
    tree.file("d0/zz")
    let walk = try files.walk(tree.path)
    #expect(walk.next()?.path.name == BytePath("bottom"))
    tree.move("d0/d1/d2", "d0/moved")
    tree.move("d0/d1", "d0/other")
    let rest = walk.rest
    #expect(rest.map(\.path) == [BytePath("d0/d1"), BytePath("d0/zz")])
    guard case .unreadable(let failure) = try #require(rest.first).kind else {
      Issue.record("not unreadable")
      return
    }
    #expect(failure.kind == .transient(retryAfter: nil))
  }

  @Test("A tree that does not exist, or is a file, is a failure of the tree")
  func noTree() throws {
    let missing = #expect(throws: Failure.self) { try files.walk(tree["none"]) }
    #expect(missing?.message == "cannot read directory \(tree.text)/none: No such file or directory")
    tree.file("file")
    let file = #expect(throws: Failure.self) { try files.walk(tree["file"]) }
    #expect(file?.code == "ENOTDIR")
  }
}

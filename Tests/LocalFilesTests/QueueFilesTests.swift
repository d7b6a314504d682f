import CLibc
import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("Claims of a queue's files") struct QueueFilesTests {
  private let tree = TemporaryTree()

  private var files: LocalTreeFiles { LocalTreeFiles(roots: [tree["in"], tree["working"]]) }

  private func claim(_ names: String..., believing: Bool = false) throws -> [ClaimAnswer] {
    try files.claim(
      names.map { BytePath($0) }, from: tree["in"], into: tree["working"], believing: believing)
  }

  private func exists(_ name: String) -> Bool { access(tree[name].description, F_OK) == 0 }

  private func takeUp(_ name: String) throws -> ClaimAnswer? {
    try files.takeUp([BytePath(name)], in: tree["working"]).first
  }

  @Test("A claimed file lies where it is worked on, and is taken up only once nobody holds it")
  func held() throws {
    tree.file("in/x", "1")
    var answers = try claim("x", "none")
    guard case .claimed(let held) = answers[0], case .taken = answers[1] else {
      Issue.record("\(answers)")
      return
    }
    #expect(exists("working/x") && !exists("in/x"))
    #expect(try held.state()?.fingerprint == held.fingerprint)
    guard case .taken? = try takeUp("x") else {
      Issue.record("held, and taken up")
      return
    }
    withExtendedLifetime(held) {}
    answers = []
  }

  @Test("A claim goes with its last reference")
  func released() throws {
    tree.file("in/x", "1")
    _ = try claim("x")
    guard case .claimed? = try takeUp("x") else {
      Issue.record("nobody holds it")
      return
    }
  }

  @Test("Each claim keeps a descriptor, and all of them the directory's")
  func descriptors() throws {
    let files = files
    var claims: [ClaimAnswer] = []
    for number in 0..<10 {
      tree.file("in/\(number)", "1")
      tree.file("working/left\(number)", "1")
      claims += try files.claim([BytePath("\(number)")], from: tree["in"], into: tree["working"], believing: true)
      claims += try files.takeUp([BytePath("left\(number)")], in: tree["working"])
    }
    #expect(openDescriptors(below: tree.path) == 20 + 1)
    withExtendedLifetime(claims) {}
  }

  @Test("Nothing is overwritten, and what is no file, or is being written, stays")
  func refused() throws {
    tree.file("in/x", "new")
    tree.file("working/x", "old")
    tree.file("in/open", "1")
    tree.directory("in/d")
    let writer = tree["in/open"].description.withCString { open($0, O_WRONLY | O_CLOEXEC) }
    defer { close(writer) }
    let answers = try claim("x", "d", "open", believing: true)
    guard case .nameTaken = answers[0], case .notAFile = answers[1], case .written = answers[2] else {
      Issue.record("\(answers)")
      return
    }
    #expect(exists("in/x") && exists("in/open"))
  }

  @Test("A claimed file is read where it is held, and is held as long as it is read")
  func read() throws {
    tree.file("in/x", "content")
    var claim: (any FileClaim)?
    if case .claimed(let held)? = try self.claim("x").first { claim = held }
    let file = try #require(try claim?.open())
    #expect(file.fingerprint == claim?.fingerprint)
    claim = nil
    var buffer = [UInt8](repeating: 0, count: 16)
    let count = pread(file.descriptor, &buffer, buffer.count, 0)
    #expect(count == 7 && buffer.prefix(7) == Array("content".utf8)[...])
    guard case .taken? = try takeUp("x") else {
      Issue.record("read, and taken up")
      return
    }
    #expect(try file.fingerprintOfName() == file.fingerprint)
    tree.file("working/x", "longer content")
    #expect(try file.currentFingerprint() != file.fingerprint)
    #expect(unlink(tree["working/x"].description) == 0)
    #expect(try file.fingerprintOfName() == nil)
  }

  @Test("A claim knows when its name leads to another file")
  func exchanged() throws {
    tree.file("in/x", "1")
    guard case .claimed(let claim)? = try claim("x").first else {
      Issue.record("not claimed")
      return
    }
    tree.file("working/y", "2")
    #expect(rename(tree["working/y"].description, tree["working/x"].description) == 0)
    #expect(try claim.state() == nil)
  }

  @Test("A file is put back unless its name is taken there, and disposed of under a name that is free")
  func moved() throws {
    for name in ["working/x", "working/y", "in/y", "done/y"] { tree.file(name, name) }
    let (working, queue) = (tree["working"], tree["in"])
    #expect(try files.putBack(BytePath("x"), from: working, to: queue))
    #expect(try !files.putBack(BytePath("y"), from: working, to: queue))
    #expect(try files.putBack(BytePath("none"), from: working, to: queue))
    let places = try files.dispose([BytePath("y"), BytePath("none")], from: working, to: tree["done"])
    #expect(try places.map { try $0.get() } == [tree["done/y-1"], nil])
    #expect(exists("in/x") && exists("in/y") && exists("done/y"))
  }
}

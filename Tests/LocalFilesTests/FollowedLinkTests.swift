import CLibc
import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("Links that are followed")
struct FollowedLinkTests {
  let tree = TemporaryTree()
  let files: any TreeFiles

  init() {
    files = LocalTreeFiles(roots: [tree["w"]]).with(.follow)
    tree.directory("w/t")
  }

  /// What a walk of `w/t` tells, a line an entry; of a file its size.
  private func walk() throws -> [String] {
    try files.walk(tree["w/t"]).rest.map { entry in
      switch entry.kind {
      case .file(let fingerprint): "\(entry.path) \(fingerprint.size)"
      case .link: "\(entry.path) link"
      case .special: "\(entry.path) special"
      case .unreadable(let failure): "\(entry.path) \(failure.message)"
      }
    }
  }

  @Test("Links to files and directories in the watched directory stand for what they lead to, in byte order")
  func inside() throws {
    tree.file("w/other/a", "1234")
    tree.file("w/other/deep/b", "12")
    tree.file("w/t/file", "1")
    tree.file("w/t/z-1")
    tree.link("w/t/a", to: "../other/a")
    tree.link("w/t/z", to: "../other")
    tree.link("w/t/zz", to: "z/deep/b")
    #expect(try walk() == ["a 4", "file 1", "z-1 1", "z/a 4", "z/deep/b 2", "zz 2"])
    for (path, size) in [("a", 4), ("z/deep/b", 2), ("zz", 2)] {
      let file = try files.open(BytePath(path), in: tree["w/t"])
      #expect(file.fingerprint.size == size)
      #expect(try file.fingerprintOfName() == file.fingerprint)
      #expect(try files.fingerprint(BytePath(path), in: tree["w/t"]) == file.fingerprint)
    }
  }

  @Test("Links out of the watched directory, to nowhere and in a circle are links, and open nothing")
  func outside() throws {
    tree.file("secret/s")
    tree.link("w/t/absolute", to: tree["secret/s"].description)
    tree.link("w/t/circle", to: "circle")
    tree.link("w/t/dangling", to: "none")
    tree.link("w/t/etc", to: "/etc")
    tree.link("w/t/magic", to: "/proc/self/root/etc")
    tree.link("w/t/up", to: "../../secret/s")
    tree.link("w/t/upper", to: "../../secret")
    let names = ["absolute", "circle", "dangling", "etc", "magic", "up", "upper"]
    #expect(try walk() == names.map { "\($0) link" })
    for name in names + ["upper/s", "etc/passwd"] {
      #expect(throws: Failure.self) { try files.open(BytePath(name), in: tree["w/t"]) }
      #expect(try files.fingerprint(BytePath(name), in: tree["w/t"]) == nil)
    }
  }

  @Test("A link to a FIFO is special, and nothing waits for it")
  func special() throws {
    tree.fifo("w/pipe")
    tree.link("w/t/pipe", to: "../pipe")
    #expect(try walk() == ["pipe special"])
    #expect(throws: Failure.self) { try files.open(BytePath("pipe"), in: tree["w/t"]) }
  }

  @Test("A link to a directory that it lies in ends the way, also over another directory")
  func circles() throws {
    tree.file("w/t/d/file")
    tree.link("w/t/d/here", to: ".")
    tree.link("w/t/d/up", to: "../../t")
    tree.link("w/t/d/side", to: "../../side")
    tree.file("w/side/other")
    tree.link("w/side/back", to: "../t/d")
    #expect(try walk() == ["d/file 1", "d/here link", "d/side/back link", "d/side/other 1", "d/up link"])
  }

  @Test("Directories that are linked to one another are gone into so many times and no more")
  func bounded() throws {
    let levels = 20
    for level in 0..<levels {
      tree.directory("w/l\(level)")
      tree.link("w/l\(level)/x", to: "../l\(level + 1)")
    }
    tree.file("w/l\(levels)/end")
    tree.link("w/t/x", to: "../l0")
    let path = Array(repeating: "x", count: DirectoryStack.linkedLevelsMax + 1).joined(separator: "/")
    #expect(try walk() == ["\(path) link"])
  }

  @Test("A way of links deeper than the directories that stay open is found back")
  func depth() throws {
    let deep = (0..<DirectoryStack.openLevelsMax + 20).map { "d\($0)" }.joined(separator: "/")
    tree.file("w/other/\(deep)/bottom")
    tree.file("w/other/zz")
    tree.link("w/t/link", to: "../other")
    tree.file("w/t/last")
    #expect(try walk() == ["last 1", "link/\(deep)/bottom 1", "link/zz 1"])
  }

  @Test("A link that comes to lead elsewhere while its file is open is another file")
  func moved() throws {
    tree.file("w/one")
    tree.file("w/two")
    tree.link("w/t/link", to: "../one")
    let file = try files.open(BytePath("link"), in: tree["w/t"])
    _ = cString(tree["w/t/link"]) { unlink($0) }
    tree.link("w/t/link", to: "../two")
    #expect(try file.fingerprintOfName() != file.fingerprint)
    _ = cString(tree["w/t/link"]) { unlink($0) }
    tree.link("w/t/link", to: "/etc/passwd")
    #expect(try file.fingerprintOfName() == nil)
  }

  @Test("A link is never removed, nor what it leads to")
  func removing() throws {
    tree.file("w/one")
    tree.link("w/t/link", to: "../one")
    let fingerprint = try #require(try files.fingerprint(BytePath("link"), in: tree["w/t"]))
    #expect(try !files.remove(BytePath("link"), in: tree["w/t"], ifStill: fingerprint))
    #expect(tree.exists("w/one") && tree.exists("w/t/link"))
  }
}

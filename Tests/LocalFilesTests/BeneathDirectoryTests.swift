import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("Opening beneath a directory")
struct BeneathDirectoryTests {
  let tree = TemporaryTree()

  @Test("Missing directories are made where that is asked for")
  func creating() throws {
    let root = try BeneathDirectory(root: tree.path)
    let failure = #expect(throws: Failure.self) { try root.openParent(of: BytePath("a/b/c"), creating: false) }
    #expect(failure?.message == "cannot open directory \(tree.text)/a/b: No such file or directory")
    let (directory, name) = try root.openParent(of: BytePath("a/b/c"), creating: true)
    #expect(name == BytePath("c"))
    #expect(tree.exists("a/b"))
    tree.file("a/b/c")
    #expect(try directory.status(of: name.bytes)?.isRegularFile == true)
    #expect(try root.openParent(of: BytePath("c"), creating: true).directory === root.root)
  }

  @Test("A link is followed inside, never out")
  func links() throws {
    tree.directory("root/real")
    tree.directory("outside")
    tree.link("root/inside", to: "real")
    tree.link("root/out", to: "../outside")
    tree.link("root/absolute", to: tree.text + "/outside")
    let root = try BeneathDirectory(root: tree["root"])
    _ = try root.openParent(of: BytePath("inside/made/x"), creating: true)
    #expect(tree.exists("root/real/made"))
    for name in ["out/made/x", "absolute/made/x"] {
      let failure = #expect(throws: Failure.self) { try root.openParent(of: BytePath(name), creating: true) }
      #expect(failure?.code == "EXDEV")
    }
    #expect(!tree.exists("outside/made"))
  }

  @Test(
    "Names with '..', '.', an empty component or a NUL are refused",
    arguments: ["../x", "a//x", "./x", "/x", "a/", "a\0/x"])
  func refused(_ name: String) throws {
    let root = try BeneathDirectory(root: tree.path)
    let failure = #expect(throws: Failure.self) { try root.openParent(of: BytePath(name), creating: true) }
    #expect(failure?.kind == .permanent)
    #expect(failure?.cause == "the name has an empty, '.' or '..' component")
  }
}

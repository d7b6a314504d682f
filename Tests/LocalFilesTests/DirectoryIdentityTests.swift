import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("Which directory lies at a path") struct DirectoryIdentityTests {
  private let tree = TemporaryTree()

  @Test("Another one at its path is another one, the same one under another name is the same")
  func replaced() throws {
    tree.directory("in")
    let files = LocalTreeFiles(roots: [tree["in"]])
    let first = try #require(try files.identity(of: tree["in"]))
    tree.file("in/x")
    #expect(try files.identity(of: tree["in"]) == first)
    #expect(cString(tree["in"]) { from in cString(tree["former"]) { rename(from, $0) } } == 0)
    #expect(try files.identity(of: tree["in"]) == nil)
    tree.directory("in")
    let second = try #require(try files.identity(of: tree["in"]))
    #expect(!second.isSame(as: first))
    #expect(try files.identity(of: tree["former"]) == first)
  }

  @Test("A file is none, and a link is what it leads to")
  func others() throws {
    tree.directory("in")
    tree.file("x")
    #expect(cString(tree["link"]) { symlink("in", $0) } == 0)
    let files = LocalTreeFiles(roots: [tree["link"], tree["x"]])
    #expect(try files.identity(of: tree["x"]) == nil)
    #expect(try files.identity(of: tree["link"]) == files.identity(of: tree["in"]))
  }

  @Test("The time at which it was made counts only where it is known of both")
  func times() {
    let known = DirectoryIdentity(inode: 2, born: 1)
    #expect(!known.isSame(as: DirectoryIdentity(inode: 2, born: 3)))
    #expect(!known.isSame(as: DirectoryIdentity(inode: 3, born: 1)))
    #expect(known.isSame(as: DirectoryIdentity(inode: 2, born: nil)))
    #expect(!DirectoryIdentity(inode: 3, born: nil).isSame(as: known))
  }
}

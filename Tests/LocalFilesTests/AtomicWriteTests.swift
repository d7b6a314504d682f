import CLibc
import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("Writing a small file")
struct AtomicWriteTests {
  let tree = TemporaryTree()
  let files = LocalTreeFiles()

  private func names() throws -> [BytePath] { try files.walk(tree.path).rest.map(\.path) }

  @Test("A file is replaced whole, and no temporary file stays, not even one that a dead process left")
  func replacing() throws {
    tree.file(".file.0.tmp", "left over")
    try files.write(Array("one".utf8), to: tree["file"])
    #expect(tree.content("file") == "one")
    try files.write([], to: tree["file"])
    #expect(tree.content("file") == "")
    #expect(try names() == [BytePath("file")])
  }

  @Test("Writers of one path at the same time leave the content of one of them")
  func concurrently() async throws {
    let (path, files) = (tree["file"], files)
    let threads = try FileThreads(count: 8)
    await withTaskExecutorPreference(threads) {
      await withTaskGroup { group in
        for index in 0..<40 {
          group.addTask { try? files.write([UInt8](repeating: UInt8(48 + index % 10), count: 5000), to: path) }
        }
      }
    }
    let content = try #require(tree.content("file"))
    #expect(content.utf8.count == 5000)
    #expect(Set(content.utf8).count == 1)
    #expect(try names() == [BytePath("file")])
    threads.shutdown()
  }

  @Test("A name of 255 bytes can be written; a missing directory is told")
  func limits() throws {
    let long = String(repeating: "n", count: 255)
    try files.write([1], to: tree[long])
    #expect(tree.exists(long))
    let failure = #expect(throws: Failure.self) { try files.write([1], to: tree["none/file"]) }
    #expect(failure?.message == "cannot write \(tree.text)/none/file: No such file or directory")
  }
}

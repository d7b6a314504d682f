import CLibc
import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("The names of a directory")
struct DirectoryListingTests {
  let tree = TemporaryTree()

  private struct Name: Hashable {
    let bytes: [UInt8]
    let type: DirectoryReader.EntryType
  }

  private func list(memoryMax: Int, onlyDirectories: Bool = false) throws -> [Name] {
    let descriptor = cString(tree.path) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { close(descriptor) }
    let listing = try DirectoryListing(
      descriptor, DirectoryReader(), onlyDirectories: onlyDirectories, memoryMax: memoryMax)
    var names: [Name] = []
    while let (name, type) = try listing.next() {
      names.append(Name(bytes: Array(UnsafeRawBufferPointer(start: name, count: strlen(name))), type: type))
    }
    return names
  }

  @Test("Names that are too many for memory come in the same order from a file, whatever bytes they have")
  func spilled() throws {
    for index in 0..<3_000 {
      let bytes = (0..<Int.random(in: 1...12)).map { _ in UInt8.random(in: 0x01...0xFF) }.filter { $0 != 0x2F }
      tree.file(BytePath(bytes + Array("\(index)".utf8)))
    }
    for name in ["a", "b-", "c.d"] { tree.file("\(name)/x") }
    for name in ["a!", "a0", "b-.", "c.d-"] { tree.file(name) }
    tree.link("link", to: "a")
    let all = try list(memoryMax: DirectoryListing.memoryMax)
    #expect(all.count == 3_008)
    let slash = all.map { $0.bytes + ($0.type == .directory ? [0x2F] : []) }
    #expect(slash == slash.sorted { $0.lexicographicallyPrecedes($1) })
    for memoryMax in [0, 1, 5_000] {
      #expect(try list(memoryMax: memoryMax) == all)
      #expect(try list(memoryMax: memoryMax, onlyDirectories: true) == all.filter { $0.type == .directory })
    }
  }

  @Test("A file that can take no more names is an error, not an end")
  func noSpace() throws {
    let table = try NameTable(sizeMax: 256 << 10)
    let error = #expect(throws: ErrorNumber.self) {
      for _ in 0..<10_000 { try table.append("a name that is somewhat longer than others", .file) }
    }
    #expect(error?.value == ENOSPC)
  }
}

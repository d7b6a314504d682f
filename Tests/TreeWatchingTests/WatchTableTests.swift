import Glibc
import Testing

@testable import TreeWatching

@Suite("The table of watches")
struct WatchTableTests {
  private func path(_ table: WatchTable, _ index: WatchTable.Index, below root: WatchTable.Index) -> String {
    var bytes: [UInt8] = []
    table.appendPath(of: index, below: root, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("Entries keep their paths while others come, move and go by the thousand")
  func churn() {
    var table = WatchTable()
    let root = table.insert(watch: 1, parent: WatchTable.none, name: "", pass: 0)
    let other = table.insert(watch: 2, parent: root, name: "other", pass: 0)
    var kept: [(WatchTable.Index, String)] = []
    for number in 0..<20_000 {
      let name = "directory-\(number)"
      let index = table.insert(watch: Int32(3 + number), parent: root, name: name, pass: 0)
      if number % 10 == 0 {
        table.move(index, to: other, name: "moved-\(number)")
        kept.append((index, "/other/moved-\(number)"))
      } else {
        table.remove(index)
      }
    }
    #expect(table.count == 2002)
    for (index, expected) in kept { #expect(path(table, index, below: root) == expected) }
    #expect(Set(table.subtree(root)).count == 2002)
    for index in table.subtree(other).reversed() { table.remove(index) }
    #expect(table.subtree(root) == [root])
    #expect(table.index(of: 3) == nil)
  }

  @Test("An entry is not taken for the one that had its place before")
  func reuse() {
    var table = WatchTable()
    let root = table.insert(watch: 1, parent: WatchTable.none, name: "", pass: 0)
    let first = table.insert(watch: 2, parent: root, name: "a", pass: 0)
    table.remove(first)
    #expect(!table.holds(first, watch: 2))
    let second = table.insert(watch: 3, parent: root, name: "b", pass: 0)
    #expect(first == second)
    #expect(!table.holds(first, watch: 2))
    #expect(table.holds(second, watch: 3))
    #expect(table.hasName(second, "b"))
    #expect(table.isWithin(second, root))
    #expect(!table.isWithin(root, second))
  }
}

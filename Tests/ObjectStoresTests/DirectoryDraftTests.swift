import Glibc
import ObjectStores
import SlipwayModel
import TestSupport
import Testing

@Suite("Drafts of a directory's objects")
struct DirectoryDraftTests {
  let directory: TemporaryDirectory
  let store: DirectoryStore
  var root: BytePath { directory.path("out") }

  init() throws {
    directory = try TemporaryDirectory()
    store = makeStore(at: directory.path("out"))
  }

  @Test("a crash's left-over is replaced by the next put of that name, whatever it is")
  func leftOver() async throws {
    for (kind, make) in [
      ("a file", { makeFile($0) }), ("a FIFO", { mkfifo($0, 0o600) }), ("a link", { symlink("/etc/passwd", $0) }),
    ] as [(String, (String) -> Int32)] {
      let name = "report-\(kind)"
      let draft = try await draftName(of: name)
      #expect(make(root.appending(draft).description) == 0)
      try await put("new", at: name, in: store)
      #expect(try directory.read("out/\(name)") == Array("new".utf8))
      #expect(leftOvers(in: root) == [], "\(kind) stayed")
    }
  }

  @Test("two puts of one key at once both succeed, and one of them is there whole")
  func sameKey() async throws {
    let contents = (0..<8).map { [UInt8](repeating: UInt8($0), count: 400_000 + $0) }
    let files = try contents.enumerated().map { index, content in
      try DescriptorFile(directory.write(content, to: BytePath("in-\(index)")))
    }
    let store = store
    try await withThrowingTaskGroup(of: Void.self) { group in
      for file in files {
        group.addTask { _ = try await store.put(file, at: ObjectKey("same"), progress: TransferMeter()) }
      }
      try await group.waitForAll()
    }
    #expect(contents.contains(try directory.read("out/same")))
    #expect(leftOvers(in: root) == [])
  }

  @Test("however often short puts of one key meet, each succeeds, and what is there is whole")
  func sameKeyOften() async throws {
    let contents = (0..<8).map { [UInt8](repeating: UInt8($0), count: 10 + $0) }
    let files = try contents.enumerated().map { index, content in
      try DescriptorFile(directory.write(content, to: BytePath("in-\(index)")))
    }
    let store = store
    try await withThrowingTaskGroup(of: Void.self) { group in
      for file in files {
        group.addTask {
          for _ in 0..<500 { _ = try await store.put(file, at: ObjectKey("same"), progress: TransferMeter()) }
        }
      }
      try await group.waitForAll()
    }
    #expect(contents.contains(try directory.read("out/same")))
    #expect(leftOvers(in: root) == [])
  }

  private func put(_ content: String, at key: String, in store: DirectoryStore) async throws {
    let file = try DescriptorFile(directory.write(content, to: "source-file"))
    _ = try await store.put(file, at: ObjectKey(key), progress: TransferMeter())
  }

  /// The draft's name for `name`, seen while one is written.
  private func draftName(of name: String) async throws -> String {
    let root = root
    let seen = Seen()
    let store = makeStore(at: root) {
      ReportingHash { seen.name = leftOvers(in: root).first }
    }
    try await put("x", at: name, in: store)
    return try #require(seen.name).description
  }
}

import ObjectStores
import SlipwayModel
import TestSupport
import Testing

@Suite("Objects that are in each other's way in a directory")
struct DirectoryObstacleTests {
  let directory: TemporaryDirectory
  let store: DirectoryStore
  var root: BytePath { directory.path("out") }

  init() throws {
    directory = try TemporaryDirectory()
    store = makeStore(at: directory.path("out"))
  }

  @Test("says what lies in the way")
  func inTheWay() async throws {
    for name in ["dir/deep/b", "file", "d/file"] { try directory.write("x", to: "out/\(name)") }
    let remedy = "; a directory cannot hold both: remove what is not wanted from \(root)"
    for (key, cause) in [
      ("dir", "dir/deep/b lies below its name"), ("dir/deep", "dir/deep/b lies below its name"),
      ("file/a", "file lies where its directory belongs"), ("d/file/a/b", "d/file lies where its directory belongs"),
    ] {
      let failure = try await failure(at: key)
      #expect(failure.message == "cannot upload \(key): " + cause + remedy)
      #expect(failure.kind == .permanent && failure.code == Failure.inTheWay)
    }
    #expect(try directory.read("out/dir/deep/b") == [0x78])
    #expect(leftOvers(in: root) == [])
  }

  @Test("what deleted objects have left of a directory, and a crash of puts, makes way for an object of its name")
  func emptied() async throws {
    try await put("1", at: "a/b/x")
    try await put("1", at: "a/c/y")
    #expect(try await store.delete([ObjectKey("a/b/x"), ObjectKey("a/c/y")]) == [])
    try directory.write("half", to: "out/a/b/.slipway-0123456789abcdef")
    try await put("2", at: "a")
    #expect(try directory.read("out/a") == [0x32])
    #expect(leftOvers(in: root) == [])
  }

  private func put(_ content: String, at key: String) async throws {
    let file = try DescriptorFile(directory.write(content, to: "source-file"))
    _ = try await store.put(file, at: ObjectKey(key), progress: TransferMeter())
  }

  private func failure(at key: String) async throws -> Failure {
    try await #require(throws: Failure.self) { try await put("content", at: key) }
  }
}

import Glibc
import ObjectStores
import SlipwayModel
import TestSupport
import Testing

@Suite("A directory as a destination")
struct DirectoryStoreTests {
  let directory: TemporaryDirectory
  let store: DirectoryStore
  var root: BytePath { directory.path("out") }

  init() throws {
    directory = try TemporaryDirectory()
    store = makeStore(at: directory.path("out"))
  }

  @Test("keeps the contract of a store", arguments: storeConformance)
  func conformance(_ check: Conformance<StoreUnderTest>) async throws {
    let directory = directory
    try await check.run(
      StoreUnderTest(store) { key in
        let name = BytePath("out").appending(BytePath(key.bytes))
        return exists(directory.path.appending(name)) ? try directory.read(name) : nil
      })
    #expect(leftOvers(in: root) == [])
  }

  @Test("the store in memory keeps the contract, too", arguments: storeConformance)
  func inMemory(_ check: Conformance<StoreUnderTest>) async throws {
    let store = InMemoryStore()
    try await check.run(StoreUnderTest(store) { store.objects[$0] })
  }

  @Test("the store in memory keeps what is equal where it is told to", arguments: equalConformance)
  func inMemoryEqual(_ check: Conformance<StoreUnderTest>) async throws {
    let store = InMemoryStore(keepsEqual: true)
    try await check.run(StoreUnderTest(store) { store.objects[$0] })
  }

  @Test("is made by the first put, with its parents and those of the object")
  func made() async throws {
    let store = makeStore(at: directory.path("deep/er/out"))
    #expect(!exists(directory.path("deep")))
    try await put("x", at: "a/b/c", in: store)
    #expect(try directory.read("deep/er/out/a/b/c") == [0x78])
  }

  @Test("is not made anew when it has gone: its file system may be unmounted")
  func gone() async throws {
    try await put("x", at: "a")
    try moveAway(root)
    let failure = try await failure(at: "b")
    #expect(
      failure.message
        == "cannot open the destination \(root): the directory is gone; mount its file system, or make it again")
    #expect(failure.kind == .blocked)
    #expect(!exists(root))
    try directory.makeDirectory(BytePath("out"))
    try await put("x", at: "b")
  }

  @Test("answers with the checksum of what it wrote")
  func receipt() async throws {
    let receipt = try await put("hello", at: "a")
    #expect(
      receipt == PutReceipt(size: 5, etag: "", checksum: Checksum(algorithm: .sha256, value: try sum(of: "hello"))))
  }

  @Test("keeps the time of the source, also before 1970, and is readable as the umask allows")
  func attributes() async throws {
    for modified: Int64 in [1_700_000_000_123_456_789, -1, -1_500_000_001] {
      let path = try directory.write("x", to: "in")
      try setModified(path, modified)
      let file = try DescriptorFile(path)
      #expect(file.fingerprint.modified == modified)
      _ = try await store.put(file, at: ObjectKey("a"), progress: TransferMeter())
      #expect(try DescriptorFile(root.appending("a")).fingerprint.modified == modified)
    }
    #expect(permissions(of: root.appending("a")) & 0o133 == 0)
    #expect(permissions(of: root.appending("a")) & 0o600 == 0o600)
  }

  @Test("takes names that are not UTF-8, and names of 255 bytes")
  func bytes() async throws {
    for name in [[UInt8](repeating: 0xFF, count: 255), [0xC3], [0x0A], [0x80, 0x20]] {
      let file = try DescriptorFile(directory.write("x", to: "in"))
      _ = try await store.put(file, at: ObjectKey([0x64, 0x2F] + name), progress: TransferMeter())
      #expect(try directory.read(BytePath(Array("out/d/".utf8) + name)) == [0x78])
    }
  }

  @Test("refuses a key that is no path below it")
  func badKeys() async throws {
    for (key, cause) in [
      ("", "the key contains an empty component"), ("/etc/x", "the key contains an empty component"),
      ("a//b", "the key contains an empty component"), ("a/", "the key contains an empty component"),
      ("../x", "the key contains a '..' component"), ("a/../../x", "the key contains a '..' component"),
      ("a/./b", "the key contains a '.' component"), ("a\u{0}b", "the key contains a NUL byte"),
      ("a/.slipway-b", "names that begin with '.slipway-' are those of Slipway's own unfinished files"),
      (".slipway-b/a", "names that begin with '.slipway-' are those of Slipway's own unfinished files"),
    ] {
      let failure = try await failure(at: key)
      #expect(failure.cause == cause)
      #expect(failure.kind == .permanent)
    }
    #expect(!exists(root))
    try await put("x", at: ".slipway.yaml")
  }

  @Test("follows no symbolic link out of itself, wherever it lies in the path")
  func escapes() async throws {
    try directory.makeDirectory(BytePath("outside"))
    try directory.makeDirectory(BytePath("out/d"))
    for target in [directory.path("outside").description, "../../outside", "../../out/../outside", "/"] {
      try link("out/d/link", to: target)
      for key in ["d/link/x", "d/link/new/x"] {
        let failure = try await failure(at: key)
        #expect(
          failure.message
            == "cannot upload \(key): a symbolic link in its path leads out of the destination")
        #expect(failure.kind == .permanent)
      }
      _ = unlink(directory.path("out/d/link").description)
    }
    #expect(try directory.list(BytePath("outside")) == [])
  }

  @Test("refuses a name that the file system has no room for")
  func longName() async throws {
    #expect(try await failure(at: String(repeating: "n", count: 256)).code == "ENAMETOOLONG")
    #expect(leftOvers(in: root) == [])
  }

  @Test("follows a symbolic link that stays inside")
  func insideLink() async throws {
    try directory.makeDirectory(BytePath("out/real"))
    try link("out/link", to: "real")
    try await put("x", at: "link/new/a")
    #expect(try directory.read("out/real/new/a") == [0x78])
  }

  @Test("replaces a symbolic link at the object's own name, and leaves its target alone")
  func linkAtName() async throws {
    try directory.write("precious", to: "target")
    try directory.makeDirectory(BytePath("out"))
    try link("out/a", to: "../target")
    try await put("x", at: "a")
    #expect(try directory.read("target") == Array("precious".utf8))
    #expect(try directory.read("out/a") == [0x78])
  }

  @Test("a put whose task is cancelled ends and leaves nothing")
  func cancelled() async throws {
    let file = try DescriptorFile(directory.write("x", to: "in"))
    let store = store
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await store.put(file, at: ObjectKey("a"), progress: TransferMeter())
    }
    let failure = try await #require(throws: Failure.self) { try await task.value }
    #expect(failure.message == "cannot upload a: it was stopped")
    #expect(try directory.list(BytePath("out")) == [])
  }

  @Test("a file that changed after it was planned, at the same size, is not taken")
  func changedInPlace() async throws {
    let path = try directory.write("old", to: "in")
    let file = try DescriptorFile(path)
    try directory.write("new", to: "in")
    try setModified(path, 5)
    let failure = try await #require(throws: Failure.self) {
      try await store.put(file, at: ObjectKey("a"), progress: TransferMeter())
    }
    #expect(failure.message == "cannot upload a: the file changed while it was sent")
    #expect(try directory.list(BytePath("out")) == [])
  }

  @Test(
    "a full disk blocks the destination, leaves nothing, and is over once there is room",
    .enabled(if: SmallFileSystem.isAvailable, "mounting needs root"))
  func full() async throws {
    let disk = try SmallFileSystem(kilobytes: 256)
    let store = makeStore(at: disk.path)
    try await put("x", at: "a", in: store)
    try disk.fill()
    let failure = try await failure(at: "b", in: store)
    #expect(
      failure.message
        == "cannot upload b: No space left on device; make room on the destination's file system")
    #expect(failure.kind == .blocked)
    #expect(leftOvers(in: disk.path) == [])
    disk.release()
    try await put("x", at: "b", in: store)
    try await store.settle([])
  }

  @Test(
    "a read of what grows as fast as it is read ends with that",
    .enabled(if: SmallFileSystem.isAvailable, "mounting needs root"))
  func growing() async throws {
    let disk = try SmallFileSystem(kilobytes: 256)
    let store = makeStore(at: disk.path)
    try await put("content", at: "a", in: store)
    // pwrite(2), BUGS: with O_APPEND data is put at the end, whatever the offset.
    let descriptor = disk.path.appending("a").withCString { open($0, O_WRONLY | O_APPEND | O_CLOEXEC) }
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let failure = try await #require(throws: Failure.self) {
      try await store.get(ObjectKey("a"), intoFile: descriptor)
    }
    #expect(failure.code == Failure.sourceChanged)
  }

  @Test("can be unmounted once it is settled", .enabled(if: SmallFileSystem.isAvailable, "mounting needs root"))
  func unmountable() async throws {
    let disk = try SmallFileSystem(kilobytes: 256)
    let store = makeStore(at: disk.path)
    try await put("x", at: "a", in: store)
    try await store.settle([])
    #expect(umount(disk.path.description) == 0)
    #expect(mount("tmpfs", disk.path.description, "tmpfs", 0, nil) == 0)
  }

  @Test("gives addresses that a browser opens")
  func url() {
    #expect(store.url(of: ObjectKey("a b/é%")) == "file://\(root)/a%20b/%C3%A9%25")
  }
}

extension DirectoryStoreTests {
  @discardableResult
  private func put(_ content: String, at key: String, in other: DirectoryStore? = nil) async throws -> PutReceipt {
    let file = try DescriptorFile(directory.write(content, to: "source-file"))
    return try await (other ?? store).put(file, at: ObjectKey(key), progress: TransferMeter())
  }

  private func failure(at key: String, in other: DirectoryStore? = nil) async throws -> Failure {
    try await #require(throws: Failure.self) { try await put("content", at: key, in: other) }
  }

  private func link(_ name: String, to target: String) throws {
    try #require(symlink(target, directory.path(name).description) == 0)
  }

  private func moveAway(_ path: BytePath) throws {
    try #require(rename(path.description, directory.path("away").description) == 0)
  }
}

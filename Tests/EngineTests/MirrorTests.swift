import Glibc
import LocalFiles
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("A mirror of a directory", .timeLimit(.minutes(1))) struct MirrorTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld()
    world.set { $0.intake = .mirror(MirrorRule(deletes: true)) }
    world.store().tellETags()
  }

  private func write(_ files: [String: String]) throws {
    for (name, content) in files { try world.directory.write(content, to: "in/\(name)") }
  }

  private func remove(_ name: String) { _ = world.directory.path("in/\(name)").withCString { unlink($0) } }

  private func move(_ name: String, to other: String) throws {
    let (from, to) = (world.directory.path("in/\(name)"), world.directory.path("in/\(other)"))
    let result = from.withCString { from in to.withCString { rename(from, $0) } }
    try #require(result == 0)
  }

  private func place(_ objects: [String: String]) {
    for (key, content) in objects { world.store().place(Array(content.utf8), at: ObjectKey(key)) }
  }

  private var puts: [String] { world.store().puts.map(\.key.description).sorted() }

  private func run() async throws -> Run? {
    try await world.process()
    return try await world.latest(".")
  }

  private func runs() async throws -> Int { try await world.ledger.runs(matching: RunFilter(), limit: 100).count }

  @Test("The first run sends what lacks or differs, and deletes what the directory does not have")
  func firstRun() async throws {
    try write(["a": "1", "d/x": "2", "d.txt": "3", "same": "equal", "other": "12345"])
    place(["same": "equal", "other": "54321", "gone": "x", "d/gone": "y", "zzz": "z"])
    #expect(try await run()?.state == .done)
    #expect(world.keys() == ["a", "d.txt", "d/x", "other", "same"])
    #expect(puts == ["a", "d.txt", "d/x", "other"])
    #expect(world.store().objects[ObjectKey("other")] == Array("12345".utf8))
    #expect(world.store().listings == 1)
  }

  @Test("A start over what is as it was makes no run, and asks no destination for anything")
  func unchanged() async throws {
    try write(["a": "1", "d/x": "2"])
    try await world.process()
    try await world.process()
    #expect(puts == ["a", "d/x"])
    #expect(world.store().listings == 1)
    #expect(try await runs() == 1)
  }

  @Test("New content of the same size is sent, a touched file is not, and what is gone goes")
  func changes() async throws {
    try write(["a": "1", "b": "2", "c": "3", "d": "4"])
    try await world.process()
    try write(["a": "9"])
    let touched = world.directory.path("in/b").withCString { utimensat(AT_FDCWD, $0, nil, 0) }
    try #require(touched == 0)
    remove("c")
    #expect(try await run()?.state == .done)
    #expect(puts == ["a", "a", "b", "c", "d"])
    #expect(world.keys() == ["a", "b", "d"])
    #expect(world.store().listings == 1)
    try await world.process()
    #expect(try await runs() == 2)
  }

  @Test("A file that gets another name is copied, not sent, unless its extension is another one")
  func renames() async throws {
    try write(["old/x.txt": "1", "z.txt": "22", "y.part": "333"])
    try await world.process()
    try world.directory.makeDirectory(BytePath("in/new"))
    try move("old/x.txt", to: "new/x.txt")
    try move("z.txt", to: "a.txt")
    try move("y.part", to: "y.html")
    #expect(try await run()?.state == .done)
    #expect(world.keys() == ["a.txt", "new/x.txt", "y.html"])
    #expect(world.store().copies.map(\.description).sorted() == ["a.txt", "new/x.txt"])
    #expect(puts == ["old/x.txt", "y.html", "y.part", "z.txt"])
    #expect(world.store().objects[ObjectKey("a.txt")] == Array("22".utf8))
    #expect(world.store().listings == 1)
  }

  @Test("That is so only where everything may be replaced", arguments: S3Destination.Overwrite.allCases)
  func renamesBesideOthers(_ overwrite: S3Destination.Overwrite) async throws {
    var settings = S3Destination(bucket: "b")
    settings.overwrite = overwrite
    let name = DestinationName("a")
    let mirrored = Destination(name: name, location: EngineWorld.location, prefix: [], kind: .s3(settings))
    world.destinations.withLock { $0[name] = mirrored }
    try write(["x.txt": "1"])
    try await world.process()
    try move("x.txt", to: "y.txt")
    #expect(try await run()?.state == .done)
    #expect(world.keys() == ["y.txt"])
    #expect(world.store().copies.isEmpty == (overwrite != .always))
  }

  @Test("Where somebody else has replaced the object of the old name, the file is sent")
  func replacedSource() async throws {
    try write(["x": "1", "y": "2"])
    try await world.process()
    place(["x": "9"])
    try move("x", to: "new")
    #expect(try await run()?.state == .done)
    #expect(world.store().objects[ObjectKey("new")] == Array("1".utf8))
  }

  @Test("Two files that change names are both right")
  func swapped() async throws {
    try write(["x": "1", "y": "2"])
    try await world.process()
    try move("x", to: "t")
    try move("y", to: "x")
    try move("t", to: "y")
    #expect(try await run()?.state == .done)
    #expect(world.store().objects == [ObjectKey("x"): Array("2".utf8), ObjectKey("y"): Array("1".utf8)])
  }

  @Test("Keys that only begin alike are another's, and so are keys that no file can have")
  func siblings() async throws {
    world.set { $0.targetPrefix = Template([.literal(Array("test1".utf8))]) }
    try write(["a": "1"])
    place(["test10/a": "x", "test1": "y", "test1/gone": "z", "test1/dir/": "", "test1//odd": "o", "test": "w"])
    #expect(try await run()?.state == .done)
    #expect(world.keys() == ["test", "test1", "test1//odd", "test1/a", "test1/dir/", "test10/a"])
  }

  @Test("What filter and exclude leave out is left alone on both sides, also when it was mirrored before")
  func excluded() async throws {
    try write(["a.txt": "1", "b.txt": "2", "c.log": "3"])
    place(["x.log": "y"])
    world.set { $0.exclude = [FilterRule(pattern: #"\.log$"#, location: EngineWorld.location)] }
    try await world.process()
    #expect(world.keys() == ["a.txt", "b.txt", "x.log"])
    world.set { $0.exclude = [FilterRule(pattern: "^b", location: EngineWorld.location)] }
    try await world.process()
    #expect(world.keys() == ["a.txt", "b.txt", "c.log", "x.log"])
    remove("b.txt")
    remove("a.txt")
    try await world.process()
    #expect(world.keys() == ["b.txt", "c.log", "x.log"])
  }

  @Test("Without 'delete' nothing is deleted")
  func keeps() async throws {
    world.set { $0.intake = .mirror(MirrorRule()) }
    try write(["a": "1", "b": "2"])
    place(["other": "x"])
    try await world.process()
    remove("a")
    try await world.process()
    #expect(world.keys() == ["a", "b", "other"])
    #expect(world.store().deletes.isEmpty)
    world.set { $0.intake = .mirror(MirrorRule(deletes: true)) }
    try await world.process()
    #expect(world.keys() == ["b"])
    #expect(puts == ["a", "b"])
  }

  @Test(
    "More deletes than max_delete: nothing is deleted, everything else has arrived, and the message says what to do",
    arguments: [MirrorRule.DeleteLimit.count(1), .percent(25)])
  func limit(_ limit: MirrorRule.DeleteLimit) async throws {
    try write(["a": "1", "b": "2", "c": "3", "d": "4"])
    try await world.process()
    world.set { $0.intake = .mirror(MirrorRule(deletes: true, deleteLimit: limit)) }
    remove("a")
    remove("b")
    try write(["e": "5"])
    let run = try await run()
    #expect(run?.state == .failed)
    #expect(
      run?.error
        == "cannot mirror \(world.directory.path("in")): 2 of 5 objects at destination 'a' would be deleted, and "
        + "max_delete is \(limit): nothing is deleted; 'slipway run --dry-run' shows them; bring the files back, or "
        + "raise max_delete")
    #expect(world.keys() == ["a", "b", "c", "d", "e"])
    try write(["a": "1"])
    #expect(try await self.run()?.state == .done)
    #expect(world.keys() == ["a", "c", "d", "e"])
  }

  @Test("What only gets another name is not counted by max_delete")
  func limitOfRenames() async throws {
    try write(["d/a": "1", "d/b": "2", "c": "3"])
    try await world.process()
    world.set { $0.intake = .mirror(MirrorRule(deletes: true, deleteLimit: .count(0))) }
    try move("d", to: "a")
    #expect(try await run()?.state == .done)
    #expect(world.keys() == ["a/a", "a/b", "c"])
  }

  @Test("What was to get another name and never arrived there is counted once the new name is gone, too")
  func limitOfLostRenames() async throws {
    try write(["d/a": "1", "d/b": "2", "c": "3"])
    try await world.process()
    world.set { $0.intake = .mirror(MirrorRule(deletes: true, deleteLimit: .count(2))) }
    try move("d", to: "a")
    place(["d/a": "another's", "d/b": "another's"])
    world.store().failAll(with: Failure(.permanent, "upload", "it", cause: "no"))
    #expect(try await run()?.state == .failed)
    world.store().recover()
    for name in ["a/a", "a/b"] { remove(name) }
    let run = try await run()
    #expect(run?.error.contains("4 of 5 objects at destination 'a' would be deleted") == true, "\(run?.error ?? "")")
    #expect(world.keys() == ["a/a", "a/b", "c", "d/a", "d/b"])
  }

  @Test("An empty directory deletes nothing, and neither does one that is gone", arguments: [true, false])
  func empty(_ isGone: Bool) async throws {
    try write(["a": "1", "b": "2"])
    try await world.process()
    for name in ["a", "b"] { remove(name) }
    if isGone { _ = world.directory.path("in").withCString { rmdir($0) } }
    let summary = try await world.process()
    #expect(world.keys() == ["a", "b"])
    #expect(isGone ? summary.unseen == 1 : summary.failed == [world.tree(".")])
    if isGone { try world.directory.makeDirectory(BytePath("in")) }
    try write(["b": "2"])
    // One that was made anew may be another one: somebody has to say that it is right.
    try await world.process(mode: isGone ? .push([world.tree(".")]) : .once)
    #expect(world.keys() == ["b"])
  }

  @Test("Where something could not be read, nothing is deleted")
  func unreadable() async throws {
    try write(["a": "1", "d/b": "2", "d/c": "3"])
    try await world.process()
    remove("a")
    world.files.leaveUnread(world.directory.path("in/d/b"))
    #expect(try await run()?.state == .failed)
    #expect(world.keys() == ["a", "d/b", "d/c"])
    #expect(world.store().deletes.isEmpty)
  }

  @Test("A listing that fails on its way deletes nothing, and is made again")
  func failedListing() async throws {
    try write(["b": "2"])
    place(["a": "1", "c": "3"])
    let failure = Failure(.transient(retryAfter: nil), "list", "the bucket", cause: "it broke")
    world.store().failListings(with: failure, after: 1)
    #expect(try await run()?.state == .failed)
    #expect(world.keys() == ["a", "b", "c"] || world.keys() == ["a", "c"])
    #expect(world.store().deletes.isEmpty)
    world.store().failListings(with: nil)
    #expect(try await run()?.state == .done)
    #expect(world.keys() == ["b"])
  }

  @Test("One destination's failure leaves the other alone")
  func twoDestinations() async throws {
    let world = try EngineWorld(destinations: ["a", "b"])
    world.set { $0.intake = .mirror(MirrorRule(deletes: true)) }
    try world.directory.write("1", to: "in/x")
    world.store("b").place([1], at: ObjectKey("gone"))
    world.store("a").failListings(with: Failure(.blocked, "list", "the bucket", code: "AccessDenied", cause: "no"))
    try await world.process()
    #expect(world.keys("a").isEmpty)
    #expect(world.keys("b") == ["gone", "x"])
    world.store("a").failListings(with: nil)
    try await world.process()
    #expect(world.keys("a") == ["x"])
    #expect(world.keys("b") == ["x"])
  }

  @Test("Hooks run around each batch, and what a pre hook writes starts nothing")
  func hooks() async throws {
    world.set { $0.hooks = Hooks(pre: [.named("/pre")], post: [.named("/post")]) }
    try write(["a": "1"])
    world.hooks.always("/pre") { [world] _ in
      // What cannot be written the keys below show.
      _ = try? world.directory.write("sum", to: "in/sums")
      return .success
    }
    try await world.process()
    #expect(world.keys() == ["a", "sums"])
    try await world.process()
    #expect(try await runs() == 1)
  }

  @Test("A process that dies after any commit leaves nothing that the next one does not put right", arguments: 1...14)
  func kill(_ commits: Int) async throws {
    try write(["a": "1", "b": "2", "c.txt": "3"])
    place(["x": "9"])
    let dying = DyingLedger(world.ledger, commits: commits)
    try await world.process(ledger: dying)
    remove("a")
    try move("c.txt", to: "d.txt")
    let again = DyingLedger(world.ledger, commits: commits)
    try await world.process(ledger: again)
    try write(["e": "5"])
    try await world.process()
    #expect(
      world.store().objects == [
        ObjectKey("b"): Array("2".utf8), ObjectKey("d.txt"): Array("3".utf8), ObjectKey("e"): Array("5".utf8),
      ])
    let (count, listings) = (try await runs(), world.store().listings)
    try await world.process()
    #expect(try await runs() == count)
    #expect(world.store().listings == listings)
  }
}

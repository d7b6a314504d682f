import Glibc
import SlipwayModel
import TestSupport
import Testing

@testable import Engine

/// At a directory a file and what lies below its name cannot be there at once.
@Suite("A mirror in which files become directories", .timeLimit(.minutes(1))) struct MirrorKindTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld(destinations: ["a", "b"])
    world.makeMirror()
    world.store("a").actAsDirectory()
  }

  private func content(_ key: String) -> [UInt8]? { world.store("a").objects[ObjectKey(key)] }

  /// A file `a` and a directory `d`.
  private func begin() async throws {
    try world.write(["a": "1", "d/x/y": "2", "d/z": "3", "keep": "4"])
    #expect(try await world.mirror()?.state == .done)
    for name in ["a", "d/x/y", "d/x", "d/z", "d"] { world.remove(name) }
    try world.write(["a/b/c": "5", "d": "6"])
  }

  @Test("What is in the way is deleted first, whether a listing tells it or the ledger", arguments: [true, false])
  func makesWay(_ isListed: Bool) async throws {
    try await begin()
    let ledger: InMemoryLedger? = isListed ? InMemoryLedger() : nil
    try await world.process(ledger: ledger)
    #expect(world.keys("a") == ["a/b/c", "d", "keep"])
    #expect(world.keys("b") == ["a/b/c", "d", "keep"])
    #expect(content("d") == Array("6".utf8))
    let puts = world.store("a").puts.count + world.store("b").puts.count
    try await world.process(ledger: ledger)
    #expect(world.store("a").puts.count + world.store("b").puts.count == puts)
  }

  @Test("A file that moves below its own name")
  func moved() async throws {
    try world.write(["a": "1", "keep": "4"])
    try await world.process()
    let (from, aside, to) = (
      world.directory.path("in/a"), world.directory.path("in/aside"), world.directory.path("in/a/a")
    )
    try #require(from.withCString { from in aside.withCString { rename(from, $0) } } == 0)
    try world.directory.makeDirectory(BytePath("in/a"))
    try #require(aside.withCString { from in to.withCString { rename(from, $0) } } == 0)
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys("a") == ["a/a", "keep"] && world.keys("b") == ["a/a", "keep"])
    #expect(content("a/a") == Array("1".utf8))
  }

  @Test("Where nothing may be deleted, the run says what is in the way, and all else has arrived")
  func keeps() async throws {
    world.set { $0.intake = .mirror(MirrorRule()) }
    try await begin()
    let run = try await world.mirror()
    #expect(run?.state == .failed)
    #expect(run?.error.contains("cannot upload a/b/c: a lies in its way") == true, "\(run?.error ?? "")")
    #expect(world.keys("a") == ["a", "d/x/y", "d/z", "keep"])
    #expect(world.keys("b") == ["a", "a/b/c", "d", "d/x/y", "d/z", "keep"])
  }

  @Test("Where more would be deleted than max_delete allows, nothing is, and both are told")
  func limit() async throws {
    world.set { $0.intake = .mirror(MirrorRule(deletes: true, deleteLimit: .count(1))) }
    try await begin()
    let run = try await world.mirror()
    #expect(run?.state == .failed)
    #expect(run?.error.contains("max_delete is 1: nothing is deleted") == true, "\(run?.error ?? "")")
    #expect(run?.error.contains("lies in its way") == true, "\(run?.error ?? "")")
    #expect(world.keys("a") == ["a", "d/x/y", "d/z", "keep"])
    world.set { $0.intake = .mirror(MirrorRule(deletes: true)) }
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys("a") == ["a/b/c", "d", "keep"])
  }

  @Test("What the filter leaves out stays in the way")
  func excluded() async throws {
    try await begin()
    world.set { $0.exclude = [FilterRule(pattern: "^a$", location: EngineWorld.location)] }
    let run = try await world.mirror()
    #expect(run?.state == .failed)
    #expect(run?.error.contains("cannot upload a/b/c: a lies in its way") == true, "\(run?.error ?? "")")
    #expect(world.keys("a") == ["a", "d", "keep"])
  }

  @Test("A process that dies after any commit leaves nothing that the next one does not put right", arguments: 1...16)
  func kill(_ commits: Int) async throws {
    try await begin()
    try await world.process(ledger: DyingLedger(world.ledger, commits: commits))
    try await world.process()
    for store in ["a", "b"] { #expect(world.keys(store) == ["a/b/c", "d", "keep"]) }
    #expect(content("d") == Array("6".utf8) && content("a/b/c") == Array("5".utf8))
  }
}

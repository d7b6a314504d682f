import Glibc
import SlipwayModel
import TestSupport
import Testing

@testable import Engine

@Suite("Where a mirror deletes nothing", .timeLimit(.minutes(1))) struct MirrorLimitTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld()
    world.makeMirror()
    world.store().tellETags()
  }

  @Test(
    "More deletes than max_delete: nothing is deleted, everything else has arrived, and the message says what to do",
    arguments: [MirrorRule.DeleteLimit.count(1), .percent(25)])
  func limit(_ limit: MirrorRule.DeleteLimit) async throws {
    try world.write(["a": "1", "b": "2", "c": "3", "d": "4"])
    try await world.process()
    world.makeMirror(MirrorRule(deletes: true, deleteLimit: limit))
    world.remove("a")
    world.remove("b")
    try world.write(["e": "5"])
    let run = try await world.mirror()
    #expect(run?.state == .failed)
    #expect(
      run?.error
        == "cannot mirror \(world.directory.path("in")): 2 of 5 objects at destination 'a' would be deleted, and "
        + "max_delete is \(limit): nothing is deleted; 'slipway run --dry-run' shows them; bring the files back, or "
        + "raise max_delete")
    #expect(world.keys() == ["a", "b", "c", "d", "e"])
    try world.write(["a": "1"])
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys() == ["a", "c", "d", "e"])
  }

  @Test("What only gets another name is not counted by max_delete")
  func limitOfRenames() async throws {
    try world.write(["d/a": "1", "d/b": "2", "c": "3"])
    try await world.process()
    world.makeMirror(MirrorRule(deletes: true, deleteLimit: .count(0)))
    try world.move("d", to: "a")
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys() == ["a/a", "a/b", "c"])
  }

  @Test("What was to get another name and never arrived there is counted once the new name is gone, too")
  func limitOfLostRenames() async throws {
    try world.write(["d/a": "1", "d/b": "2", "c": "3"])
    try await world.process()
    world.makeMirror(MirrorRule(deletes: true, deleteLimit: .count(2)))
    try world.move("d", to: "a")
    world.place(["d/a": "another's", "d/b": "another's"])
    world.store().failAll(with: Failure(.permanent, "upload", "it", cause: "no"))
    #expect(try await world.mirror()?.state == .failed)
    world.store().recover()
    for name in ["a/a", "a/b"] { world.remove(name) }
    let run = try await world.mirror()
    #expect(run?.error.contains("4 of 5 objects at destination 'a' would be deleted") == true, "\(run?.error ?? "")")
    #expect(world.keys() == ["a/a", "a/b", "c", "d/a", "d/b"])
  }

  @Test("An empty directory deletes nothing, and neither does one that is gone", arguments: [true, false])
  func empty(_ isGone: Bool) async throws {
    try world.write(["a": "1", "b": "2"])
    try await world.process()
    for name in ["a", "b"] { world.remove(name) }
    if isGone { _ = world.directory.path("in").withCString { rmdir($0) } }
    let summary = try await world.process()
    #expect(world.keys() == ["a", "b"])
    #expect(isGone ? summary.unseen == 1 : summary.failed == [world.tree(".")])
    if isGone { try world.directory.makeDirectory(BytePath("in")) }
    try world.write(["b": "2"])
    // One that was made anew may be another one: somebody has to say that it is right.
    try await world.process(mode: isGone ? .push([world.tree(".")]) : .once)
    #expect(world.keys() == ["b"])
  }

  @Test("Where something could not be read, nothing is deleted")
  func unreadable() async throws {
    try world.write(["a": "1", "d/b": "2", "d/c": "3"])
    try await world.process()
    world.remove("a")
    world.files.leaveUnread(world.directory.path("in/d/b"))
    #expect(try await world.mirror()?.state == .failed)
    #expect(world.keys() == ["a", "d/b", "d/c"])
    #expect(world.store().deletes.isEmpty)
  }

  @Test("A listing that fails on its way deletes nothing, and is made again")
  func failedListing() async throws {
    try world.write(["b": "2"])
    world.place(["a": "1", "c": "3"])
    let failure = Failure(.transient(retryAfter: nil), "list", "the bucket", cause: "it broke")
    world.store().failListings(with: failure, after: 1)
    #expect(try await world.mirror()?.state == .failed)
    #expect(world.keys() == ["a", "b", "c"] || world.keys() == ["a", "c"])
    #expect(world.store().deletes.isEmpty)
    world.store().failListings(with: nil)
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys() == ["b"])
  }
}

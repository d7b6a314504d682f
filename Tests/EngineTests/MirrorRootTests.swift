import Glibc
import LocalFiles
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("A mirror whose directory is another one", .timeLimit(.minutes(1))) struct MirrorRootTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld(now: SystemClock().now())
    world.set {
      $0.intake = .mirror(MirrorRule(deletes: true))
      $0.stop = .markers(complete: BytePath(".complete"), abort: nil)
    }
    world.store().tellETags()
  }

  private func put(_ name: String, at other: String) {
    _ = world.directory.path(name).withCString { from in
      world.directory.path(other).withCString { rename(from, $0) }
    }
  }

  /// Mirrors two files; then another directory lies there, with one of them.
  private func replace() async throws {
    try world.write(["a": "1", "b": "2"])
    try await world.process()
    put("in", at: "former")
    try world.write(["b": "3"])
  }

  private func askToEnd() {
    // What cannot be written the time limit shows.
    _ = try? world.directory.write("", to: "in/.complete")
    world.events.push(.name(world.directory.path("in/.complete"), .complete))
  }

  private var message: String {
    "cannot mirror \(world.directory.path("in")): another directory lies there than before, and some of the files do not: "
      + "nothing is deleted; bring the former one back, or say that this one is right: slipway push w"
  }

  @Test("deletes nothing, however often it runs, sends what is new, and says what to do; a push accepts it")
  func replaced() async throws {
    try await replace()
    for _ in 0..<2 {
      let run = try await world.mirror()
      #expect(run?.state == .failed)
      #expect(run?.error == message)
      #expect(world.keys() == ["a", "b"])
      #expect(world.store().objects[ObjectKey("b")] == Array("3".utf8))
    }
    let summary = try await world.process(mode: .push([world.tree(".")]))
    #expect(summary.failed.isEmpty)
    #expect(world.keys() == ["b"])
    try world.write(["c": "4"])
    _ = world.directory.path("in/b").withCString { unlink($0) }
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys() == ["c"])
  }

  @Test("is accepted by a push to the service, without a tree or with it", arguments: [true, false])
  func pushed(_ isNamed: Bool) async throws {
    try await replace()
    #expect(try await world.mirror()?.state == .failed)
    let summary = try await world.process(mode: .service) { [world] orchestrator in
      let trees = isNamed ? [world.directory.path("in")] : []
      let pushed = try? await orchestrator.push(WorkflowName("w"), trees)
      #expect(pushed?.runs.count == 1)
      for id in pushed?.runs ?? [] { await world.end(of: id) }
      await orchestrator.stop()
    }
    #expect(summary.failed.isEmpty)
    #expect(world.keys() == ["b"])
  }

  @Test("is looked at as a whole, whatever was told of it, before it is taken for the right one")
  func inService() async throws {
    try world.write(["a": "1", "b": "2"])
    world.events.push(.listed(watch: world.directory.path("in")))
    let isFirst = Mutex(true)
    await world.ledger.onCommit { [self] changes in
      for case .run(let run) in changes where run.state.isFinal {
        guard isFirst.withLock({ $0 }) else { return askToEnd() }
        isFirst.withLock { $0 = false }
        put("in", at: "former")
        // What cannot be written the keys below show.
        _ = try? world.write(["b": "3"])
        world.events.push(.name(world.directory.path("in/b"), .complete))
      }
    }
    let summary = try await world.process(mode: .service)
    #expect(summary.failed == [world.tree(".")])
    #expect(world.keys() == ["a", "b"])
    #expect(world.store().objects[ObjectKey("b")] == Array("3".utf8))
  }

  @Test("is the right one if it lacks nothing")
  func lacksNothing() async throws {
    try await replace()
    try world.write(["a": "1"])
    #expect(try await world.mirror()?.state == .done)
    _ = world.directory.path("in/a").withCString { unlink($0) }
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys() == ["b"])
  }

  @Test("and that comes back is as it was, and nothing of it counts as gone, also in the next process")
  func cameBack() async throws {
    try await replace()
    #expect(try await world.mirror()?.state == .failed)
    put("in", at: "other")
    put("former", at: "in")
    try await world.process(mode: .service) { [self] _ in
      world.events.push(.listed(watch: world.directory.path("in")))
      askToEnd()
    }
    #expect(try await world.latest(".")?.state == .done)
    #expect(world.store().objects == [ObjectKey("a"): Array("1".utf8), ObjectKey("b"): Array("2".utf8)])
    let counts = try await world.ledger.mirrorCounts(of: world.tree("."), at: DestinationName("a"))
    #expect(counts == MirrorCounts(all: 2))
  }

  @Test("is told by a dry run")
  func dryRun() async throws {
    try await replace()
    #expect(try await world.problemsOfDryRun() == [message])
    #expect(world.store().deletes.isEmpty)
  }
}

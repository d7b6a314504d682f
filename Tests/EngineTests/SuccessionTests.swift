import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("An engine that comes after another one in the same process", .timeLimit(.minutes(1)))
struct SuccessionTests {
  private func event(_ world: EngineWorld, _ name: String) {
    world.events.push(.name(world.directory.path("in/\(name)"), .complete))
  }

  @Test("It goes on with a queue's files: with one that waits, and with one that was only claimed")
  func queue() async throws {
    let (begun, goOn, waits) = (Signal(), Signal(), Signal())
    let world = try EngineWorld(gate: { key in
      guard key == ObjectKey("slow") else { return }
      begun.send()
      await goOn.wait()
    })
    world.makeQueue()
    world.settings.withLock { $0.trees = 1 }
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state.name == "waiting" { waits.send() }
    }
    world.store().fail(
      ObjectKey("late"), with: Failure(.transient(retryAfter: nil), "upload", "late", cause: "503"), times: 1)
    let first = Mutex<Orchestrator?>(nil)
    let left = try await world.process(mode: .service, standsStill: true) { orchestrator in
      // It holds nothing although it lives on.
      first.withLock { $0 = orchestrator }
      for (name, signal) in [("late", waits), ("slow", begun)] {
        _ = try? world.directory.write(name, to: "in/\(name)")
        event(world, name)
        await signal.wait()
      }
      _ = try? world.directory.write("claimed", to: "in/claimed")
      event(world, "claimed")
      while !world.names("working").contains("claimed") { await Task.yield() }
      await orchestrator.stop()
      goOn.send()
    }
    #expect(left.unfinished == 2 && world.names("working") == ["claimed", "late"])
    let summary = try await world.process()
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
    #expect(world.names("completed") == ["claimed", "late", "slow"] && world.names("working").isEmpty)
    #expect(world.store().puts.map(\.key.description).sorted() == ["claimed", "late", "late", "slow"])
    let runs = try await world.ledger.runs(matching: RunFilter(), limit: 10)
    #expect(runs.count == 3 && runs.allSatisfy { $0.state == .done })
    #expect(first.withLock { $0 } != nil)
  }

  @Test("It disposes of a queue's file whose post hook it was left with")
  func disposal() async throws {
    let waits = Signal()
    let world = try EngineWorld()
    world.makeQueue()
    world.set { $0.hooks = Hooks(post: [.named("/post")]) }
    world.hooks.enqueue(.exited(1))
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state.name == "waiting" { waits.send() }
    }
    try world.directory.write("1", to: "in/x")
    event(world, "x")
    try await world.process(mode: .service, standsStill: true) { orchestrator in
      await waits.wait()
      await orchestrator.stop()
    }
    try await world.process()
    #expect(world.names("completed") == ["x"] && world.names("working").isEmpty)
    #expect(world.store().puts.count == 1 && world.hooks.invocations.count == 2)
  }

  @Test(
    "It counts the trees that were begun before it, and goes on with those that have not ended",
    arguments: [true, false])
  func count(waits: Bool) async throws {
    let (isLeft, stopped) = (Signal(), Signal())
    let world = try EngineWorld()
    world.set {
      $0.stop = .count(2)
      $0.hooks = Hooks(pre: [.named("/pre")])
    }
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state.name == "waiting" { isLeft.send() }
    }
    world.hooks.enqueue(.success)
    world.hooks.enqueue { _ in
      if waits { return .exited(1) }
      isLeft.send()
      await withTaskCancellationHandler {
        await stopped.wait()
      } onCancel: {
        stopped.send()
      }
      return HookResult(ending: .cancelled, output: [], duration: .zero)
    }
    try world.makeReady("t1", ["x": "1"])
    event(world, "t1/.ready")
    let first = try await world.process(mode: .service, standsStill: true) { orchestrator in
      while (try? await world.latest("t1"))?.state != .done { await Task.yield() }
      _ = try? world.makeReady("t2", ["x": "1"])
      event(world, "t2/.ready")
      await isLeft.wait()
      await orchestrator.stop()
      await orchestrator.stop()
    }
    #expect(first.unfinished == 1 && world.keys() == ["t1/x"])
    try world.makeReady("t3", ["x": "1"])
    event(world, "t3/.ready")
    let second = try await world.process(mode: .service, after: first)
    #expect(second.failed.isEmpty && second.unfinished == 0 && world.keys() == ["t1/x", "t2/x"])
    try await world.process(mode: .service, after: second)
    #expect(world.keys() == ["t1/x", "t2/x"])
  }

  @Test("A destination that is out uses up the attempts of a run that somebody waits for in it as well")
  func pushed() async throws {
    let waits = Signal()
    let world = try EngineWorld()
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state.name == "waiting" { waits.send() }
    }
    world.store().failAll(with: DestinationFaultTests.refusals[0])
    try world.directory.write("1", to: "in/t/x")
    let first = try await world.process(mode: .service, standsStill: true) { orchestrator in
      _ = try? await orchestrator.push(WorkflowName("w"), [world.tree("t").path])
      await waits.wait()
      await orchestrator.stop()
    }
    let run = try #require(try await world.latest("t"))
    #expect(first.unfinished == 1 && run.state.name == "waiting")
    let second = try await world.process(mode: .service, after: first) { orchestrator in
      await world.end(of: run.id)
      await orchestrator.stop()
    }
    #expect(second.failed == [world.tree("t")] && world.store().puts.count == 3)
  }

  @Test("Of the one before it nothing stays in memory")
  func freed() async throws {
    let world = try EngineWorld()
    world.makeQueue()
    weak var engine: Orchestrator?
    try await world.process(mode: .service, standsStill: true) { orchestrator in
      engine = orchestrator
      await orchestrator.stop()
    }
    while engine != nil {
      try Task.checkCancellation()
      await Task.yield()
    }
  }
}

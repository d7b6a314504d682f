import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Room for files of a queue", .timeLimit(.minutes(1))) struct QueueRoomTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld(destinations: ["a", "b"])
    world.makeQueue()
    world.set { $0.destinations = [DestinationName("a")] }
    world.files.limitClaims(to: 16)
  }

  private func write(_ count: Int, to directory: String = "in") throws {
    for number in 0..<count { try world.directory.write("1", to: "\(directory)/\(number)") }
  }

  private func addWorkflow(_ intake: Intake, stop: StopRule? = nil) throws {
    try world.directory.makeDirectory(BytePath("other"))
    let other = Workflow(
      name: WorkflowName("v"), location: EngineWorld.location,
      watch: [WatchDirectory(path: world.directory.path("other"), location: EngineWorld.location)], intake: intake,
      destinations: [DestinationName("b")], stop: stop)
    world.others.withLock { $0 = [other] }
  }

  @Test("Under --once a queue that has its count holds up no other workflow, and not the end")
  func full() async throws {
    try addWorkflow(.marker(BytePath(".ready")))
    world.set { $0.stop = .count(3) }
    try write(10)
    try world.directory.write(["other/t/x": "1", "other/t/.ready": ""])
    let summary = try await world.process()
    #expect(summary.unfinished == 0)
    #expect(world.keys("a").count == 3 && world.keys("b") == ["t/x"])
    #expect(world.names("in").count == 7)
  }

  @Test("Under --once files that a hook defers leave the others to the next process")
  func deferred() async throws {
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    world.hooks.always("/pre") { _ in .exited(75) }
    try write(40)
    let summary = try await world.process()
    #expect(summary.unfinished == 16)
    #expect(world.names("working").count == 16 && world.names("in").count == 24)
  }

  @Test("A skipped file that has no place to go stays, takes no room, and is not taken again")
  func skipped() async throws {
    world.makeQueue(completed: .delete, failed: .resubmit)
    world.set {
      $0.hooks = Hooks(pre: [.named("/pre")])
      $0.stop = .markers(complete: BytePath(".complete"), abort: nil)
    }
    world.hooks.always("/pre") { _ in .exited(77) }
    try write(40)
    try await world.process(mode: .service) { orchestrator in
      let watch = world.directory.path("in")
      world.events.push(.listed(watch: watch))
      while (try? await world.latest("7"))??.state.isFinal != true || world.names("working").count < 40 {
        await Task.yield()
      }
      // Pushed by hand, it is looked at once more.
      _ = try? await orchestrator.push(WorkflowName("w"), [world.tree("7").path])
      _ = try? world.directory.write("", to: "in/.complete")
      world.events.push(.listed(watch: watch), .name(watch.appending(".complete"), .found))
    }
    #expect(world.names("working").count == 40 && world.keys("a").isEmpty)
    #expect(world.hooks.invocations.count == 41)
  }

  @Test("What waits for one queue's destination leaves the other queue room")
  func shared() async throws {
    try addWorkflow(.queue(working: world.directory.path("working-v"), batch: nil))
    world.store("a").failAll(with: Failure(.blocked, "upload", "a", cause: "no bucket"))
    try write(40)
    let summary = try await world.process(mode: .service) { orchestrator in
      world.events.push(.listed(watch: world.directory.path("in")))
      while world.names("working").count < 8 { await Task.yield() }
      try? write(20, to: "other")
      world.events.push(.listed(watch: world.directory.path("other")))
      while world.keys("b").count < 20 { await Task.yield() }
      await orchestrator.stop()
    }
    #expect(world.keys("b").count == 20 && world.keys("a").isEmpty)
    #expect(world.names("working").count == 8 && world.names("in").count == 32)
    #expect(summary.failed.isEmpty)
  }
}

import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Files that are put back into their queue", .timeLimit(.minutes(1))) struct ResubmitTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld()
    world.makeQueue(failed: .resubmit)
    world.set {
      $0.retry = RetryPolicy(attempts: 2, backoff: .seconds(1) ... .seconds(10))
      $0.stop = .markers(complete: BytePath(".complete"), abort: nil)
    }
  }

  @Test("After its attempts it is put back at intervals that double to the longest of 'retry', until it goes well")
  func intervals() async throws {
    let waits = Mutex<[Duration]>([])
    world.failAlways("x")
    await world.ledger.onCommit { [world] changes in
      for case .run(let run) in changes where run.outcome == .failure {
        if case .waiting(let waiting) = run.state {
          let count = waits.withLock { waits in
            waits.append(waiting.until - run.updated)
            return waits.count
          }
          if count == 4 { world.store().fail(ObjectKey("x"), with: FaultyFiles.denied(BytePath("x")), times: 0) }
        }
        if run.state == .failed { world.events.push(.name(world.directory.path("in/x"), .complete)) }
      }
      for case .run(let run) in changes where run.state == .done {
        _ = try? world.directory.write("", to: "in/.complete")
        world.events.push(.name(world.directory.path("in/.complete"), .complete))
      }
    }
    try world.directory.write("1", to: "in/x")
    world.events.push(.listed(watch: world.directory.path("in")))
    try await world.process(mode: .service)
    #expect(waits.withLock { $0 } == [.seconds(2), .seconds(4), .seconds(8), .seconds(10)])
    #expect(world.keys() == ["x"] && world.names("completed") == ["x"])
    #expect(try await world.ledger.answeredMarker(of: world.tree("x")) == nil, "the next of its name begins anew")
    let states = try await world.ledger.runs(matching: RunFilter(), limit: 10).map(\.state)
    #expect(states == [.done, .failed, .failed, .failed, .failed])
  }

  @Test("Under --once it is put back at once, and the run has failed")
  func once() async throws {
    world.failAlways("x")
    try world.directory.write("1", to: "in/x")
    let summary = try await world.process()
    #expect(summary.failed == [world.tree("x")])
    #expect(world.names("in") == ["x"] && world.names("working").isEmpty)
  }

  @Test("It can be claimed as soon as it lies there again")
  func claimable() async throws {
    world.set { $0.hooks = Hooks(post: [Hook.named("/failed", when: .failure)]) }
    world.failAlways("x")
    let claimed = Mutex<[Bool]>([])
    await world.ledger.onCommit { [world] changes in
      for case .run(let run) in changes where run.state == .failed {
        let (queue, working) = (world.directory.path("in"), world.directory.path("working"))
        // What throws is no claim.
        let answers = try? world.files.claim([BytePath("x")], from: queue, into: working, believing: true)
        guard case .claimed? = answers?.first else { return claimed.withLock { $0.append(false) } }
        claimed.withLock { $0.append(true) }
      }
    }
    try world.directory.write("1", to: "in/x")
    try await world.process()
    #expect(claimed.withLock { $0 } == [true])
  }

  @Test("A new file of its name in the queue is not overwritten: both are delivered")
  func nameTaken() async throws {
    world.set { $0.hooks = Hooks(post: [Hook.named("/failed", when: .failure)]) }
    world.store().fail(
      ObjectKey("x"), with: Failure(.transient(retryAfter: nil), "upload", "x", cause: "503"), times: 2)
    world.hooks.enqueue { [world] _ in
      _ = try? world.directory.write("new", to: "in/x")
      return .success
    }
    try world.directory.write("old", to: "in/x")
    try await world.process()
    for _ in 0..<2 { try await world.process() }
    #expect(world.names("in").isEmpty && world.names("working").isEmpty)
    #expect(["x", "x-1"].map { world.read("completed/\($0)") } == ["old", "new"])
  }
}

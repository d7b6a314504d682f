import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Nothing goes on for ever") struct RunBoundsTests {
  @Test("A tree that changes after every upload ends failed, delivered and in its place")
  func neverRests() async throws {
    let world = try EngineWorld()
    world.set { $0.after = After(success: .delete) }
    let rounds = Mutex(0)
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state == .retiring && run.outcome == .success {
        let round = rounds.withLock { rounds in
          rounds += 1
          return rounds
        }
        _ = try? world.directory.write(String(repeating: "x", count: round), to: "in/t/log")
      }
    }
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process()
    #expect(summary.failed.count == 1)
    #expect(rounds.withLock { $0 } == 3)
    #expect(world.store().objects[ObjectKey("t/log")] == Array("xx".utf8))
    #expect(try world.directory.list(BytePath("in/t")).count == 3)
    let error = try await world.latest("t")?.error
    #expect(error == "\(world.directory.path("in/t/log")) has changed since the upload")
  }
}

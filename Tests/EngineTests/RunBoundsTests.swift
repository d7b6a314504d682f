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

  @Test("A great many files that have vanished since the last attempt are forgotten piece by piece")
  func vanished() async throws {
    let world = try EngineWorld()
    try world.makeReady("t", ["x": "1"])
    let marker = try #require(try world.files.marker(at: world.directory.path("in/t/.ready"))).identity
    var run = Run(id: RunID("01"), tree: world.tree("t"), marker: marker, created: Timestamp(seconds: 1))
    (run.state, run.attempt, run.targetPrefix) = (.uploading, 1, [])
    let rows = (0..<(2 * UploadFeed.vanishedMax + 1)).map { number in
      UploadRecord(
        run: run.id, destination: DestinationName("a"), path: BytePath("gone-\(number)"),
        fingerprint: Fingerprint(device: 1, inode: 1, size: 1, modified: 1, changed: 1),
        key: ObjectKey("t/gone-\(number)"), status: .proven(PutReceipt(size: 1, etag: "", checksum: nil)))
    }
    try await world.ledger.commit([.run(run), .uploads(rows), .answered(run.tree, marker)])
    #expect(try await world.process().failed.count == 0)
    #expect(try await world.ledger.uploads(of: run.id, after: nil, limit: 9).map(\.path) == [BytePath("x")])
    #expect(await world.ledger.commits.allSatisfy { $0.count <= UploadFeed.vanishedMax + 1 })
  }
}

import Glibc
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("What the ledger need not remember", .timeLimit(.minutes(1)))
struct HistoryPruningTests {
  private let day = Duration.seconds(86_400)

  private func ended(_ world: EngineWorld, _ name: String, _ id: String, _ state: RunState, ago: Duration) async throws
    -> Run
  {
    var run = Run(id: RunID(id), tree: world.tree(name), marker: nil, created: Timestamp(seconds: 1))
    run.state = state
    run.updated = world.clock.now() + (.zero - ago)
    try await world.ledger.commit([.run(run)])
    return run
  }

  @Test("At the start what ended before goes, and what did not stays; a delivered tree is not delivered again")
  func start() async throws {
    let world = try EngineWorld()
    world.settings.withLock { $0.keep = .seconds(86_400) }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    let delivered = try #require(try await world.latest("t"))
    let young = try await ended(world, "young", "01", .skipped, ago: .seconds(80_000))
    _ = try await ended(world, "old", "02", .cancelled, ago: .seconds(90_000))
    world.clock.advance(by: .seconds(1))
    try await world.process()
    #expect(try await world.latest("old") == nil)
    #expect(try await world.latest("young") == young)
    world.clock.advance(by: day + day)
    try await world.process()
    #expect(try await world.latest("young") == nil)
    #expect(try await world.ledger.run(delivered.id) == nil)
    #expect(world.store().puts.count == 1)
    let marker = try await world.ledger.answeredMarker(of: world.tree("t"))
    #expect(marker == delivered.marker)
  }

  @Test("A tree whose marker a scan no longer finds is forgotten, and its keys are free for another path")
  func gone() async throws {
    let world = try EngineWorld()
    world.set { $0.watch.append(WatchDirectory(path: world.directory.path("other"), location: EngineWorld.location)) }
    try world.makeReady("t", ["x": "1"])
    try world.directory.write("", to: "other/.keep")
    try await world.process()
    world.clock.advance(by: day * 91)
    try await world.process()
    try world.directory.write(["other/t/x": "2", "other/t/.ready": ""])
    let refused = try await world.process()
    #expect(refused.failed.count == 1, "the tree is still there, and owns its keys without any run")
    #expect(rename(world.directory.path("in/t").description, world.directory.path("elsewhere").description) == 0)
    // One scan tells that it is gone; the next pass forgets it.
    for _ in 0..<2 { try await world.process() }
    let summary = try await world.process()
    #expect(summary.failed.isEmpty)
    #expect(world.store().objects[ObjectKey("t/x")] == Array("2".utf8))
  }

  @Test("A service looks every hour")
  func hourly() async throws {
    let world = try EngineWorld()
    let run = try await ended(world, "t", "01", .done, ago: .zero)
    let removed = Signal()
    await world.ledger.onCommit { changes in
      if changes.contains(.expire(run.id, limit: HistoryPruning.batchSize)) { removed.send() }
    }
    try await world.process(mode: .service) { orchestrator in
      await removed.wait()
      await orchestrator.stop()
    }
    #expect(try await world.latest("t") == nil)
  }

  @Test("A run with more rows than go with one commit goes in several, whole")
  func batches() async throws {
    let world = try EngineWorld()
    let run = try await ended(world, "t", "01", .done, ago: day * 91)
    let rows = (0..<(2 * HistoryPruning.batchSize + 1)).map { index in
      UploadRecord(
        run: run.id, destination: DestinationName("a"), path: BytePath("\(index)"),
        fingerprint: Fingerprint(device: 1, inode: 2, size: 3, modified: 4, changed: 5), key: ObjectKey("\(index)"),
        status: .proven(PutReceipt(size: 3, etag: "", checksum: nil)))
    }
    try await world.ledger.commit([.uploads(rows)])
    let ports = try world.ports(world.ledger)
    try await HistoryPruning(ports: ports, keep: day * 90, logger: world.log.logger).prune()
    let left = try await world.ledger.uploads(of: run.id, after: nil, limit: 1)
    #expect(left.isEmpty)
    let commits = await world.ledger.commits.filter { $0 == [.expire(run.id, limit: HistoryPruning.batchSize)] }
    #expect(commits.count == 3)
  }
}

import Glibc
import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("A destination that refuses, or cannot be reached", .timeLimit(.minutes(1))) struct DestinationFaultTests {
  static let refusals = [
    Failure(.blocked, "upload", "s3://b/k", code: "AccessDenied", cause: "the server answered 403 AccessDenied"),
    Failure(.blocked, "upload", "s3://b/k", code: "NoSuchBucket", cause: "the server answered 404 NoSuchBucket"),
    Failure(
      .transient(retryAfter: nil), "upload", "s3://b/k", code: "ConnectionRefused", cause: "no connection",
      isUnreachable: true),
  ]
  static let faults = [500, 502, 503, 504].map {
    Failure(.transient(retryAfter: nil), "upload", "s3://b/k", code: "HTTP\($0)", cause: "the server answered \($0)")
  }

  /// A service of so many trees, ready before the complete marker, that takes one at a time.
  private func world(_ count: Int) throws -> EngineWorld {
    let world = try EngineWorld()
    world.set { $0.stop = .markers(complete: BytePath(".complete"), abort: nil) }
    world.settings.withLock { $0.trees = 1 }
    for number in 10..<(10 + count) { try world.makeReady("t\(number)", ["x": "1"]) }
    try world.directory.write("", to: "in/.complete")
    world.events.push(
      .name(world.directory.path("in/.complete"), .found), .listed(watch: world.directory.path("in")))
    return world
  }

  /// Runs a service whose time stands still but where `body` moves it.
  private func service(
    _ world: EngineWorld, _ body: (Orchestrator, Progress) async throws -> Void
  ) async throws -> Orchestrator.Summary {
    let progress = Progress()
    await world.ledger.onCommit { progress.note($0) }
    let orchestrator = try Orchestrator(
      world.configuration, ports: try world.ports(world.ledger), mode: .service, logger: world.log.logger,
      meter: TransferMeter())
    async let summary = orchestrator.run()
    try await body(orchestrator, progress)
    return await summary
  }

  private func outLines(_ world: EngineWorld) -> [String] {
    world.log.messages(at: .error).filter { $0.hasPrefix("destination 'a' is out") }
  }

  @Test(
    "fault 31: it is blocked and visible, one run at a time tries it, and all go on when it is put right, without a restart",
    arguments: refusals)
  func refused(failure: Failure) async throws {
    let world = try world(12)
    world.store().failAll(with: failure)
    let summary = try await service(world) { _, progress in
      await progress.reach { $0.waits == 12 }
      #expect(world.store().puts.count == 1)
      let waiting = try await world.ledger.runs(matching: RunFilter(state: "waiting"), limit: 99)
      #expect(waiting.count == 12)
      #expect(waiting.allSatisfy { $0.error.hasSuffix(failure.message) })
      for probe in 1...5 {
        world.clock.advance(by: .seconds(300))
        await progress.reach { $0.waits == 12 + probe }
        #expect(world.store().puts.count == 1 + probe)
      }
      // One that has not tried comes first.
      #expect(Set(world.store().puts.map(\.key)).count == 6)
      #expect(progress.counts.failures == 0)
      world.store().recover()
      world.clock.advance(by: .seconds(300))
    }
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
    #expect(world.keys().count == 12 && world.store().puts.count == 6 + 12)
    let runs = try await world.ledger.runs(matching: RunFilter(state: "done"), limit: 99)
    #expect(runs.count == 12)
    #expect(
      outLines(world) == ["destination 'a' is out, and one run at a time tries it: \(failure.message)"])
    #expect(
      world.log.messages(at: .notice).filter { $0.hasPrefix("destination") }
        == ["destination 'a' takes files again, after 1800 s; runs that waited: 11"])
    #expect(world.log.messages(at: .warning).isEmpty)
  }

  @Test(
    "fault 25: failures of ten minutes use up no attempt, and the work is kept: other destinations and trees go on meanwhile"
  )
  func tenMinutes() async throws {
    let world = try EngineWorld(destinations: ["a", "b"])
    let (watch, other) = (world.directory.path("in"), world.directory.path("other"))
    world.set { $0.stop = .markers(complete: BytePath(".complete"), abort: nil) }
    world.others.withLock { $0 = [self.workflow("v", on: other, to: "b")] }
    let begin = world.clock.now()
    for file in 10..<50 {
      world.store().fail(ObjectKey("large/f\(file)"), with: Self.faults[file % 4], times: .max)
    }
    world.store().failAll(with: Self.faults[0])
    let summary = try await service(world) { _, progress in
      try world.makeReady("large", Dictionary(uniqueKeysWithValues: (10..<50).map { ("f\($0)", "1") }))
      world.events.push(.name(watch.appending("large/.ready"), .found))
      await progress.reach { $0.waiting.count == 1 }
      for number in 10..<18 { try world.makeReady("t\(number)", ["x": "1"]) }
      try world.directory.write(["in/.complete": "", "other/u/x": "1", "other/u/.ready": "", "other/.complete": ""])
      for directory in [watch, other] { world.events.push(.name(directory.appending(".complete"), .found)) }
      await progress.reach { $0.waiting.count == 9 && $0.done == 1 }
      #expect(world.keys("b").count == 40 + 8 + 1)
      while world.clock.now() < begin + .seconds(600) {
        let (puts, waits) = (world.store().puts.count, progress.counts.waits)
        world.clock.advance(by: .seconds(300))
        await progress.reach { $0.waits > waits }
        #expect(world.store().puts.count > puts)
      }
      #expect(progress.counts.failures == 0)
      world.store().recover()
      world.clock.advance(by: .seconds(300))
    }
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
    #expect(world.keys("a").count == 48 && world.store("b").puts.count == 49)
  }

  private func workflow(_ name: String, on directory: BytePath, to destination: String) -> Workflow {
    Workflow(
      name: WorkflowName(name), location: EngineWorld.location,
      watch: [WatchDirectory(path: directory, location: EngineWorld.location)], intake: .marker(BytePath(".ready")),
      destinations: [DestinationName(destination)], stop: .markers(complete: BytePath(".complete"), abort: nil))
  }

  @Test("What fails one run where others deliver is counted to its end, and holds up none of them")
  func poison() async throws {
    let world = try world(6)
    world.store().fail(ObjectKey("t12/x"), with: Self.faults[0], times: .max)
    let summary = try await world.process(mode: .service)
    #expect(summary.failed == [world.tree("t12")])
    #expect(world.keys().count == 5)
    #expect(world.store().puts.count == 5 + 3)
    #expect(outLines(world).isEmpty)
  }

  @Test("fault 25: many trees of one file notice it together, and are not failed for it")
  func together() async throws {
    let world = try world(AttemptTally.failuresInARow + 4)
    world.store().failAll(with: Self.faults[2])
    let summary = try await service(world) { _, progress in
      await progress.reach { $0.waits == AttemptTally.failuresInARow + 4 }
      #expect(world.store().puts.count == AttemptTally.failuresInARow)
      #expect(outLines(world).count == 1)
      world.store().recover()
      world.clock.advance(by: .seconds(300))
    }
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
    #expect(world.keys().count == AttemptTally.failuresInARow + 4)
  }

  @Test("A run that has nothing left to send when it is its turn gives it to another")
  func nothingToSend() async throws {
    let world = try world(4)
    world.store().failAll(with: Self.refusals[0])
    let summary = try await service(world) { _, progress in
      await progress.reach { $0.waits == 4 }
      let runs = try await world.ledger.runs(matching: RunFilter(), limit: 9).sorted { $0.id < $1.id }
      #expect(runs[1].tree.path.appending("x").withCString { unlink($0) } == 0)
      world.store().recover()
      world.clock.advance(by: .seconds(1))
    }
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
    #expect(world.keys().count == 3)
  }

  @Test("A service that is stopped meanwhile leaves the runs to the next one, which finds out by itself")
  func stopped() async throws {
    let world = try world(3)
    world.store().failAll(with: Self.refusals[0])
    let summary = try await service(world) { orchestrator, progress in
      await progress.reach { $0.waits == 3 }
      await orchestrator.stop()
    }
    #expect(summary.failed.isEmpty && summary.unfinished == 3)
    world.store().recover()
    #expect(try await world.process().unfinished == 0)
    #expect(world.keys().count == 3)
  }

  @Test("Where one process is to end by itself it counts")
  func once() async throws {
    let world = try world(2)
    world.store().failAll(with: Self.refusals[2])
    #expect(try await world.process().failed.count == 2)
    #expect(world.store().puts.count == 2 * 3)
  }
}

/// What the ledger has been told of runs.
private final class Progress: Sendable {
  struct Counts {
    /// How often a run has begun to wait.
    var waits = 0
    var waiting: Set<RunID> = []
    var done = 0
    /// The most attempts that any run had used up.
    var failures = 0

    mutating func note(_ run: Run) {
      failures = max(failures, run.failures)
      waiting.remove(run.id)
      if run.state == .done { done += 1 }
      guard case .waiting = run.state else { return }
      waits += 1
      waiting.insert(run.id)
    }
  }

  typealias Condition = @Sendable (Counts) -> Bool

  private struct State {
    var counts = Counts()
    var watchers: [(isMet: Condition, continuation: CheckedContinuation<Void, Never>)] = []

    mutating func takeMet() -> [CheckedContinuation<Void, Never>] {
      let met = watchers.filter { $0.isMet(counts) }
      watchers.removeAll { $0.isMet(counts) }
      return met.map(\.continuation)
    }
  }

  private let state = Mutex(State())

  var counts: Counts { state.withLock { $0.counts } }

  func note(_ changes: [LedgerChange]) {
    let met = state.withLock { state in
      for case .run(let run) in changes { state.counts.note(run) }
      return state.takeMet()
    }
    for continuation in met { continuation.resume() }
  }

  /// Returns once it has been so.
  func reach(_ isMet: @escaping Condition) async {
    await withCheckedContinuation { continuation in
      let met = state.withLock { state in
        state.watchers.append((isMet, continuation))
        return state.takeMet()
      }
      for continuation in met { continuation.resume() }
    }
  }
}

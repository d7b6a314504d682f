import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("What a person wants of runs", .timeLimit(.minutes(1)))
struct RunRequestTests {
  /// A run of the tree `name` that failed in `stage`, with its tree.
  private func failedRun(_ world: EngineWorld, _ name: String, _ id: String = "01", _ stage: RunState.Stage = .upload)
    async throws -> Run
  {
    try world.directory.write("1", to: "in/\(name)/x")
    var run = Run(id: RunID(id), tree: world.tree(name), marker: nil, created: Timestamp(seconds: 1))
    run.targetPrefix = []
    run.outcome = .failure
    run.failedStage = stage
    run.state = .failed
    run.updated = world.clock.now()
    try await world.ledger.commit([.run(run)])
    return run
  }

  private func alone(_ world: EngineWorld) throws -> RunRequests {
    RunRequests(ports: try world.ports(world.ledger), logger: world.log.logger)
  }

  private func refusal(_ body: () async throws -> Void) async -> Failure? {
    await #expect(throws: Failure.self) { try await body() }
  }

  @Test("A run whose tree has had a later run, or is part of one that is under way, is not retried")
  func refusals() async throws {
    let world = try EngineWorld()
    let old = try await failedRun(world, "t", "01")
    let late = try await failedRun(world, "t", "02")
    let requests = try alone(world)
    let superseded = await refusal { _ = try await requests.retry(old.id) }
    #expect(superseded?.code == RunRefusal.wrongState)
    #expect(superseded?.cause == "\(late.tree.path) has had a later run, 02, which is failed")
    var inner = Run(id: RunID("03"), tree: world.tree("t/inner"), marker: nil, created: Timestamp(seconds: 1))
    inner.state = .uploading
    try await world.ledger.commit([.run(inner)])
    let taken = await refusal { _ = try await requests.retry(late.id) }
    #expect(taken?.cause == "run 03 is under way with \(late.tree.path), or with a tree around or in it")
    #expect(try await requests.allFailed() == [late.id])
  }

  @Test("All failed runs are found, however many pages they fill")
  func pages() async throws {
    let world = try EngineWorld()
    var ids: [RunID] = []
    for number in 0..<7 { ids.append(try await failedRun(world, "t\(number)", "0\(number)").id) }
    let ports = try world.ports(world.ledger)
    for size in [1, 3, 7, 100] {
      let requests = RunRequests(ports: ports, logger: world.log.logger, pageSize: size)
      #expect(try await requests.allFailed() == ids)
    }
  }

  @Test("The engine under way goes on with a retried run at once, and is over when that is")
  func retriedInProcess() async throws {
    let world = try EngineWorld()
    let run = try await failedRun(world, "t")
    // Without anything to do the process would be over at once.
    let retried = Barrier()
    world.files.beforeFind { retried.wait() }
    let summary = try await world.process { orchestrator in
      _ = try? await orchestrator.retry(run.id)
      retried.open()
    }
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
    #expect(world.keys() == ["t/x"])
    #expect(try await world.latest("t")?.state == .done)
  }

  @Test("A run that could not even begin gets its keys when it is retried")
  func retriedWithoutKeys() async throws {
    let world = try EngineWorld()
    world.set { $0.targetPrefix = Template([.literal(Array("p".utf8))]) }
    var run = try await failedRun(world, "t", "01", .prepare)
    run.targetPrefix = nil
    try await world.ledger.commit([.run(run)])
    _ = try await alone(world).retry(run.id)
    try await world.process()
    #expect(world.keys() == ["p/t/x"])
  }

  @Test("A run under way that is cancelled sends nothing more and runs no hook")
  func cancelledUnderWay() async throws {
    let (begun, stopped) = (Signal(), Signal())
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre")], post: [.named("/post", when: .always)]) }
    world.hooks.enqueue { _ in
      begun.send()
      await withTaskCancellationHandler {
        await stopped.wait()
      } onCancel: {
        stopped.send()
      }
      return HookResult(ending: .cancelled, output: [], duration: .zero)
    }
    try world.makeReady("t", ["x": "1"])
    try await world.process { orchestrator in
      await begun.wait()
      guard let run = try? await world.latest("t") else { return }
      let left = try? await orchestrator.cancel(run.id)
      #expect(left?.run.state == .cancelled && left?.left.isEmpty == true)
    }
    #expect(world.hooks.invocations.count == 1)
    #expect(world.keys().isEmpty)
    #expect(try await world.latest("t")?.error == "cancelled by hand")
  }

  @Test("A run that waits for its next attempt is cancelled, and does not keep the process")
  func cancelledWhileWaiting() async throws {
    let world = try EngineWorld()
    let waits = Signal()
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes { if case .waiting = run.state { waits.send() } }
    }
    world.set { $0.retry = RetryPolicy(attempts: 1_000_000) }
    world.store().failAll(with: Failure(.transient(retryAfter: nil), "upload", "t/x", cause: "no"))
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process { orchestrator in
      await waits.wait()
      guard let run = try? await world.latest("t") else { return }
      _ = try? await orchestrator.cancel(run.id)
    }
    #expect(try await world.latest("t")?.state == .cancelled)
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
  }

  @Test("A file of a queue of which the ledger knows nothing yet is cancelled like any other run")
  func cancelledWhenClaimed() async throws {
    let (begun, goOn) = (Signal(), Signal())
    let world = try EngineWorld(gate: { key in
      guard key == ObjectKey("slow") else { return }
      begun.send()
      await goOn.wait()
    })
    world.makeQueue()
    world.settings.withLock { $0.trees = 1 }
    try world.directory.write("1", to: "in/slow")
    world.events.push(.name(world.directory.path("in/slow"), .complete))
    try await world.process(mode: .service, standsStill: true) { orchestrator in
      await begun.wait()
      _ = try? world.directory.write("2", to: "in/x")
      world.events.push(.name(world.directory.path("in/x"), .complete))
      var claimed: RunID?
      while claimed == nil {
        await Task.yield()
        claimed = await orchestrator.backlog.run(of: world.tree("x"))
      }
      let recorded = try? await world.latest("x")
      #expect(recorded == nil)
      let cancelled = try? await orchestrator.cancel(claimed ?? RunID(""))
      #expect(cancelled?.run.state == .cancelled)
      await orchestrator.stop()
      goOn.send()
    }
    #expect(try await world.latest("x")?.state == .cancelled)
    #expect(world.keys() == ["slow"] && world.names("working").isEmpty)
    #expect(world.names("failed") == ["x"] && world.names("completed") == ["slow"])
  }

  @Test("So is one whose batch had not been recorded; the others of its batch go on")
  func cancelledInBatch() async throws {
    let world = try EngineWorld()
    world.makeQueue(batch: 2)
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    for name in ["x", "y"] { try world.directory.write(name, to: "in/\(name)") }
    let ledger = HoldingLedger(world.ledger)
    let summary = try await world.process(ledger: ledger) { orchestrator in
      await ledger.isHeld.wait()
      guard let id = await orchestrator.backlog.run(of: world.tree("x")) else {
        Issue.record("x is in no run")
        return
      }
      let cancelled = try? await orchestrator.cancel(id)
      #expect(cancelled?.run.state == .cancelled)
    }
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
    #expect(try await world.latest("x")?.state == .cancelled)
    #expect(world.keys() == ["y"] && world.names("working").isEmpty)
    #expect(world.names("failed") == ["x"] && world.names("completed") == ["y"])
  }

  @Test("What has arrived of a cancelled run is told, and its multipart uploads are ended")
  func leavesNothing() async throws {
    let world = try EngineWorld()
    var run = try await failedRun(world, "t")
    run.state = .uploading
    run.outcome = nil
    let file = Fingerprint(device: 1, inode: 2, size: 3, modified: 4, changed: 5)
    let row = UploadRecord(
      run: run.id, destination: DestinationName("a"), path: BytePath("x"), fingerprint: file, key: ObjectKey("t/x"),
      status: .proven(PutReceipt(size: 3, etag: "", checksum: nil)))
    let upload = MultipartUpload(
      run: run.id, destination: DestinationName("a"), path: BytePath("y"), key: ObjectKey("t/y"), fingerprint: file,
      token: "t", partSize: 1, begun: Timestamp(seconds: 1), id: MultipartUpload.ID("id"))
    try await world.ledger.commit([.run(run), .uploads([row]), .multipart(upload)])
    let cancelled = try await alone(world).cancel(run.id)
    #expect(cancelled.left[DestinationName("a")]?.proven == 1)
    #expect(world.store().abandoned == [upload])
    let again = await refusal { _ = try await alone(world).cancel(run.id) }
    #expect(again?.message == "cannot cancel run 01: it is cancelled already")
  }
}

/// Holds a batch before its first hook until its task is cancelled.
private actor HoldingLedger: LedgerLayer {
  let kept: any Ledger
  let isHeld = Signal()
  private let isCancelled = Signal()

  init(_ kept: any Ledger) {
    self.kept = kept
  }

  func commit(_ changes: [LedgerChange]) async throws(Failure) { try await kept.commit(changes) }

  func hooks(of run: RunID) async throws(Failure) -> [HookRecord] {
    isHeld.send()
    await withTaskCancellationHandler {
      await isCancelled.wait()
    } onCancel: {
      isCancelled.send()
    }
    return try await kept.hooks(of: run)
  }
}

import LocalFiles
import SlipwayModel
import TestSupport
import Testing

@testable import Engine

@Suite("Trees that are pushed", .timeLimit(.minutes(1)))
struct PushTests {
  private func waits(_ world: EngineWorld, _ name: String, _ id: String, isDeferral: Bool) async throws -> Run {
    try world.directory.write("1", to: "in/\(name)/x")
    var run = Run(id: RunID(id), tree: world.tree(name), marker: nil, created: Timestamp(seconds: 1))
    run.targetPrefix = []
    run.attempt = 1
    let far = world.clock.now() + .seconds(86_400 * 3650)
    run.state = .waiting(RunState.Waiting(stage: .prepare, until: far, why: "later", isDeferral: isDeferral))
    try await world.ledger.commit([.run(run)])
    return run
  }

  @Test("A tree needs no marker, is disposed of like any other, and nothing else is touched")
  func withoutMarker() async throws {
    let world = try EngineWorld()
    world.set { $0.after = After(success: .delete) }
    try world.directory.write("1", to: "in/t/x")
    try world.makeReady("other", ["y": "2"])
    let left = try await waits(world, "late", "01", isDeferral: true)
    let summary = try await world.process(mode: .push([world.tree("t")]))
    #expect(summary.pushed.count == 1 && summary.failed.isEmpty && summary.unfinished == 0)
    #expect(world.keys() == ["t/x"])
    let run = try await world.latest("t")
    #expect(run?.id == summary.pushed.first && run?.state == .done && run?.marker == nil)
    #expect(try world.directory.list(BytePath("in")).contains(BytePath("t")) == false)
    #expect(try await world.ledger.run(left.id) == left)
    #expect(try await world.latest("other") == nil)
  }

  @Test("The marker that lies there is answered; one that goes before the run begins does not withdraw it")
  func withMarker() async throws {
    let world = try EngineWorld()
    try world.makeReady("t", ["x": "1"])
    try world.makeReady("u", ["x": "1"])
    let path = world.directory.path("in/u/.ready")
    let state = try LocalTreeFiles().marker(at: path)
    world.files.answer(marker: path) { () throws(Failure) in
      // Once, when it is pushed; then it is gone.
      defer { world.files.answer(marker: path) { () throws(Failure) in nil } }
      return state
    }
    let summary = try await world.process(mode: .push([world.tree("t"), world.tree("u"), world.tree("t")]))
    #expect(summary.pushed.count == 2)
    #expect(world.keys() == ["t/x", "u/x"])
    let marker = try LocalTreeFiles().marker(at: world.directory.path("in/t/.ready"))
    #expect(try await world.latest("t")?.marker == marker?.identity)
    #expect(try await world.ledger.answeredMarker(of: world.tree("t")) == marker?.identity)
    try await world.process()
    #expect(world.store().puts.count == 2)
  }

  @Test("A run of the tree that waits is joined, and goes on whatever its time; one that holds the tree goes first")
  func joined() async throws {
    let world = try EngineWorld()
    let run = try await waits(world, "t", "01", isDeferral: true)
    let outer = try await waits(world, "u", "02", isDeferral: false)
    try world.directory.write("1", to: "in/u/inner/y")
    let summary = try await world.process(mode: .push([world.tree("t"), world.tree("u/inner")]))
    #expect(summary.pushed.first == run.id && summary.pushed.count == 2)
    #expect(try await world.ledger.run(run.id)?.state == .done)
    #expect(try await world.ledger.run(outer.id)?.state == .done)
    #expect(world.store().puts.map(\.key.description).sorted() == ["t/x", "u/inner/y", "u/inner/y", "u/x"])
  }

  @Test("In a service the row of a joined run says that it is no deferral any more before it goes on")
  func hastened() async throws {
    let world = try EngineWorld()
    let run = try await waits(world, "t", "01", isDeferral: true)
    let summary = try await world.process(mode: .service, standsStill: true) { orchestrator in
      let pushed = try? await orchestrator.push(WorkflowName("w"), [world.tree("t").path])
      #expect(pushed?.runs == [run.id])
      await world.end(of: run.id)
      await orchestrator.stop()
    }
    #expect(summary.failed.isEmpty)
    let states = await world.ledger.commits.flatMap { $0 }.compactMap { change -> RunState? in
      if case .run(let run) = change { run.state } else { nil }
    }
    let now = try #require(states.dropFirst().first)
    let waiting = RunState.Waiting(stage: .prepare, until: world.clock.now(), why: "later", isDeferral: false)
    guard case .waiting(let found) = now else {
      Issue.record("\(now)")
      return
    }
    #expect(found.isDeferral == waiting.isDeferral && found.why == waiting.why && found.until <= waiting.until)
    #expect(states.dropFirst(2).first == .uploading)
  }

  @Test("Without a tree: what waits, what is ready and what failed in this very process; what cannot be listed is told")
  func everything() async throws {
    let world = try EngineWorld()
    world.set {
      $0.hooks = Hooks(pre: [.named("/pre")])
      $0.retry = RetryPolicy(attempts: 1)
    }
    world.hooks.always("/pre") { hook in hook.directory == world.tree("bad").path ? .exited(1) : .success }
    try world.makeReady("bad", ["x": "1"])
    let late = try await waits(world, "late", "01", isDeferral: true)
    let summary = try await world.process(mode: .service) { orchestrator in
      let first = try? await orchestrator.push(WorkflowName("w"), [])
      #expect(first?.runs.count == 2 && first?.runs.first == late.id && first?.unseen == 0)
      for id in first?.runs ?? [] { await world.end(of: id) }
      world.files.leaveOut(Failure(.transient(retryAfter: nil), "list", "x", cause: "no"))
      let second = try? await orchestrator.push(WorkflowName("w"), [])
      #expect(second?.runs.count == 1 && second?.runs != first?.runs && second?.unseen == 1)
      for id in second?.runs ?? [] { await world.end(of: id) }
      await orchestrator.stop()
    }
    #expect(summary.failed == [world.tree("bad")])
    #expect(world.keys() == ["late/x"])
  }

  @Test("A run whose row tells of its end is joined no more, and may be retried at once", arguments: [false, true])
  func endings(isRetry: Bool) async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    world.hooks.always("/pre") { _ in .exited(64) }
    try world.directory.write("1", to: "in/t/x")
    let ledger = LingeringLedger(world.ledger)
    let summary = try await world.process(mode: .service, ledger: ledger) { orchestrator in
      let push = { try? await orchestrator.push(WorkflowName("w"), [world.tree("t").path]).runs.first }
      guard let first = await push() else {
        Issue.record("the tree is in no run")
        return
      }
      await world.end(of: first)
      world.hooks.always("/pre") { _ in .success }
      let second = isRetry ? try? await orchestrator.retry(first).id : await push()
      #expect((second == first) == isRetry)
      if let second { await world.end(of: second) }
      await ledger.letGo()
      await orchestrator.stop()
    }
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
    #expect(world.keys() == ["t/x"])
  }

  @Test("A process that ends by itself lets others join its runs, and begins none for them")
  func othersJoin() async throws {
    let (begun, goOn) = (Signal(), Signal())
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    world.hooks.always("/pre") { _ in
      begun.send()
      await goOn.wait()
      return .success
    }
    for name in ["t", "u"] { try world.directory.write("1", to: "in/\(name)/x") }
    let summary = try await world.process(mode: .push([world.tree("t")])) { orchestrator in
      await begun.wait()
      let joined = try? await orchestrator.push(WorkflowName("w"), [world.tree("t").path])
      #expect(joined?.runs.count == 1)
      for paths in [[world.tree("u").path], []] {
        let refusal = await #expect(throws: Failure.self) {
          _ = try await orchestrator.push(WorkflowName("w"), paths)
        }
        #expect(refusal?.code == RunRefusal.later)
      }
      goOn.send()
    }
    #expect(summary.pushed.count == 1 && world.keys() == ["t/x"])
  }

  @Test("A service that is stopping lets others join what is under way; all else waits for its end")
  func whileStopping() async throws {
    let (begun, goOn) = (Signal(), Signal())
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    world.hooks.always("/pre") { _ in
      begun.send()
      await goOn.wait()
      return .success
    }
    for name in ["t", "u"] { try world.directory.write("1", to: "in/\(name)/x") }
    let late = try await waits(world, "late", "01", isDeferral: false)
    try await world.process(mode: .service, standsStill: true) { orchestrator in
      let run = try? await orchestrator.push(WorkflowName("w"), [world.tree("t").path])
      await begun.wait()
      await orchestrator.stop()
      let joined = try? await orchestrator.push(WorkflowName("w"), [world.tree("t").path])
      #expect(joined == run && joined?.runs.count == 1)
      for paths in [[world.tree("u").path], [late.tree.path], []] {
        let refusal = await #expect(throws: Failure.self) {
          _ = try await orchestrator.push(WorkflowName("w"), paths)
        }
        #expect(refusal?.code == RunRefusal.later)
      }
      goOn.send()
    }
    #expect(world.keys() == ["t/x"])
  }

  @Test("What the process under way does not run or watch is refused, and so is a tree of an intake that has ended")
  func refusals() async throws {
    let world = try EngineWorld()
    world.set { $0.stop = .markers(complete: nil, abort: BytePath(".abort")) }
    try world.directory.write("1", to: "in/t/x")
    try await world.process(mode: .service) { orchestrator in
      let unknown = await #expect(throws: Failure.self) {
        _ = try await orchestrator.push(WorkflowName("v"), [world.tree("t").path])
      }
      #expect(unknown?.code == RunRefusal.wrongState)
      let outside = await #expect(throws: Failure.self) {
        _ = try await orchestrator.push(WorkflowName("w"), [world.directory.path("elsewhere")])
      }
      #expect(outside?.code == RunRefusal.notThere)
      await orchestrator.stop()
    }
    try world.directory.write("", to: "in/.abort")
    let summary = try await world.process(mode: .push([world.tree("t")]))
    #expect(summary.fatal?.code == RunRefusal.wrongState && summary.pushed.isEmpty)
    #expect(world.keys().isEmpty)
  }
}

extension EngineWorld {
  /// Returns once the run is over.
  func end(of id: RunID) async {
    let ended = Signal()
    await ledger.onCommit { changes in
      for case .run(let run) in changes where run.id == id && run.state.isFinal { ended.send() }
    }
    if (try? await ledger.run(id))??.state.isFinal == true { return }
    await ended.wait()
  }
}

/// Keeps the first run that ends from going on behind the commit of its end, until somebody reads its row.
private actor LingeringLedger: LedgerLayer {
  let kept: any Ledger
  private var ended: RunID?
  private let goOn = Signal()

  init(_ kept: any Ledger) {
    self.kept = kept
  }

  func letGo() { goOn.send() }

  func commit(_ changes: [LedgerChange]) async throws(Failure) { try await kept.commit(changes) }

  func run(_ id: RunID) async throws(Failure) -> Run? {
    if id == ended { goOn.send() }
    return try await kept.run(id)
  }

  func abandonedUploads(of run: RunID?) async throws(Failure) -> [MultipartUpload] {
    if let run, ended == nil {
      ended = run
      await goOn.wait()
    }
    return try await kept.abandonedUploads(of: run)
  }
}

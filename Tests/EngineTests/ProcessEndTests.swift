import Glibc
import LocalFiles
import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("When a process is over, and what it leaves", .timeLimit(.minutes(1))) struct ProcessEndTests {
  @Test("A deferred run does not keep --once waiting, even with another run of its tree behind it")
  func deferredAndMarkedAgain() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    world.hooks.always("/pre") { _ in .exited(75) }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    try world.makeReady("t", ["x": "2"])
    let summary = try await world.process()
    #expect(summary.failed.count == 0 && summary.unfinished == 2)
  }

  @Test("Trees beyond the count are not unfinished: they were not to be begun")
  func beyondCount() async throws {
    let world = try EngineWorld()
    world.set { $0.stop = .count(2) }
    for name in ["t1", "t2", "t3"] { try world.makeReady(name, ["x": "1"]) }
    let summary = try await world.process()
    #expect(world.keys().count == 2)
    #expect(summary.failed.count == 0 && summary.unfinished == 0)
  }

  @Test("A tree that is told while the count is full begins when a deferred one gives its place back")
  func placeGivenBack() async throws {
    let world = try EngineWorld()
    world.set {
      $0.stop = .count(1)
      $0.hooks = Hooks(pre: [.named("/pre")])
    }
    let (started, looked) = (Signal(), Signal())
    world.hooks.always("/pre") { hook in
      if hook.directory == world.tree("t2").path { return .success }
      started.send()
      await looked.wait()
      return .exited(75)
    }
    try world.makeReady("t1", ["x": "1"])
    let watch = world.directory.path("in")
    world.events.push(.name(watch.appending("t1/.ready"), .found))
    let summary = try await world.process(mode: .service) { _ in
      await started.wait()
      _ = try? world.makeReady("t2", ["x": "1"])
      world.events.push(.name(watch.appending("t2/.ready"), .found))
      // The last thing that the intake looks at: by then it has taken the tree in, or not.
      world.files.answer(marker: watch.appending("t3/.ready")) { () throws(Failure) in
        looked.send()
        return nil
      }
      world.events.push(.name(watch.appending("t3/.ready"), .found))
    }
    #expect(world.keys() == ["t2/x"])
    #expect(summary.unfinished == 1)
  }

  @Test("A tree that was withdrawn before it began takes no place of the count")
  func withdrawnIsNotCounted() async throws {
    let world = try EngineWorld()
    world.set { $0.stop = .count(1) }
    try world.directory.makeDirectory(BytePath("in/gone"))
    let marker = MarkerIdentity(inode: 1, modified: 1)
    let gone = Run(id: RunID("01"), tree: world.tree("gone"), marker: marker, created: Timestamp(seconds: 1))
    try await world.ledger.commit([.run(gone)])
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    #expect(world.keys() == ["t/x"])
  }

  @Test("A tree that fails in this process is not taken again by the scan of the same --once")
  func retakenOnce() async throws {
    let world = try EngineWorld()
    let failed = Barrier()
    world.files.beforeFind { failed.wait() }
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state == .failed { failed.open() }
    }
    world.store().failAll(with: Failure(.permanent, "upload", "t/x", cause: "no"))
    try world.makeReady("t", ["x": "1"])
    let marker = try #require(try world.files.marker(at: world.directory.path("in/t/.ready"))).identity
    let run = Run(id: RunID("01"), tree: world.tree("t"), marker: marker, created: Timestamp(seconds: 1))
    try await world.ledger.commit([.run(run), .answered(run.tree, marker)])
    #expect(try await world.process().failed.count == 1)
    #expect(world.store().puts.count == 1)
  }

  @Test("A marker that was touched before its run began is answered by that run")
  func touchedBeforeStart() async throws {
    let world = try EngineWorld()
    let done = Barrier()
    world.files.beforeFind { done.wait() }
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state == .done { done.open() }
    }
    try world.makeReady("t", ["x": "1"])
    let old = MarkerIdentity(inode: 1, modified: 1)
    let run = Run(id: RunID("01"), tree: world.tree("t"), marker: old, created: Timestamp(seconds: 1))
    try await world.ledger.commit([.run(run), .answered(run.tree, old)])
    try await world.process()
    #expect(world.store().puts.count == 1)
  }

  @Test("A marker that cannot be read for the moment costs the run an attempt, not its life")
  func markerUnreadable() async throws {
    let world = try EngineWorld()
    let waits = Barrier()
    world.files.beforeFind { waits.wait() }
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state != .ready { waits.open() }
    }
    world.set { $0.targetPrefix = Template([.literal(Array("p".utf8))]) }
    try world.makeReady("t", ["x": "1"])
    let path = world.directory.path("in/t/.ready")
    let state = try #require(try LocalTreeFiles().marker(at: path))
    let left = Mutex(1)
    world.files.answer(marker: path) { () throws(Failure) in
      let fails = left.withLock { left in
        left -= 1
        return left >= 0
      }
      if fails { throw Failure(.transient(retryAfter: nil), "read", path.description, code: "EIO", cause: "I/O error") }
      return state
    }
    let run = Run(id: RunID("01"), tree: world.tree("t"), marker: state.identity, created: Timestamp(seconds: 1))
    try await world.ledger.commit([.run(run), .answered(run.tree, state.identity)])
    #expect(try await world.process().failed.count == 0)
    #expect(world.keys() == ["p/t/x"])
    #expect(try await world.ledger.run(run.id)?.state == .done)
  }

  @Test("A process that looks once and is stopped before it has looked everywhere leaves work unfinished")
  func stoppedWhileLooking() async throws {
    let world = try EngineWorld()
    let (looks, stopped) = (Signal(), Barrier())
    world.files.beforeFind {
      looks.send()
      stopped.wait()
    }
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process { orchestrator in
      await looks.wait()
      await orchestrator.stop()
      stopped.open()
    }
    #expect(summary.unfinished == 1 && summary.failed.isEmpty && world.keys().isEmpty)
    #expect(try await world.process().unfinished == 0)
    #expect(world.keys() == ["t/x"])
  }

  @Test("A stop does not wait for what is to stand still first", arguments: [Intake.closed, .settled(.seconds(5))])
  func stoppedWhileSettling(intake: Intake) async throws {
    let world = try EngineWorld(now: SystemClock().now())
    world.set { $0.intake = intake }
    try world.directory.write("1", to: "in/x")
    world.files.answer(file: world.directory.path("in/x")) { state throws(Failure) in
      state.map { FileState(fingerprint: $0.fingerprint, isOpenForWriting: nil, age: .zero) }
    }
    let summary = try await world.process(standsStill: true) { orchestrator in
      await world.clock.waitForSleepers()
      await orchestrator.stop()
    }
    #expect(summary.unfinished == 1 && world.keys().isEmpty)
    #expect(world.log.messages(at: .notice).allSatisfy { !$0.hasPrefix("left out") })
  }

  @Test("Nothing of a run is left in the state directory once its row says that it is over")
  func runFiles() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    let left = Mutex<[[BytePath]]>([])
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state.isFinal {
        let files = (try? world.directory.list(BytePath("state/runs"))) ?? []
        left.withLock { $0.append(files) }
      }
    }
    world.hooks.enqueue(.exited(77))
    for name in ["t1", "t2"] { try world.makeReady(name, ["x": "1"]) }
    try await world.process()
    #expect(left.withLock { $0.last } == [])
    #expect(left.withLock { $0.count } == 2)
  }
}

/// Holds a thread until it is opened; stays open.
final class Barrier: Sendable {
  private let isOpen = Mutex(false)

  func open() { isOpen.withLock { $0 = true } }

  /// For a thread of its own, as nothing else may be waiting for it.
  func wait() {
    while !isOpen.withLock({ $0 }) { sched_yield() }
  }
}

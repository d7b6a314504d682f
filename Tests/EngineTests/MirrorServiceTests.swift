import Glibc
import LocalFiles
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("A mirror in a service", .timeLimit(.minutes(1))) struct MirrorServiceTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld(now: SystemClock().now())
    world.set {
      $0.intake = .mirror(MirrorRule(deletes: true))
      $0.stop = .markers(complete: BytePath(".complete"), abort: nil)
    }
    world.store().tellETags()
  }

  private func file(_ name: String) -> BytePath { world.directory.path("in/\(name)") }

  private func complete() {
    _ = try? world.directory.write("", to: "in/.complete")
    world.events.push(.name(file(".complete"), .complete))
  }

  /// After each run that has ended, the next of these is done; after the last the intake is asked to end.
  private func afterEachRun(_ steps: [@Sendable () -> Void]) async {
    let left = Mutex(steps[...])
    await world.ledger.onCommit { [self] changes in
      for case .run(let run) in changes where run.state.isFinal {
        if let step = left.withLock({ $0.popFirst() }) { step() } else { complete() }
      }
    }
  }

  @Test("A batch looks only at what was told, also at what lay in a directory that is gone")
  func batches() async throws {
    try world.directory.write(["in/a": "1", "in/d/x": "2", "in/d/y/z": "3", "in/d.txt": "4", "in/untold": "5"])
    world.events.push(.listed(watch: world.directory.path("in")))
    await afterEachRun([
      { [self] in
        _ = try? world.directory.write("changed", to: "in/a")
        _ = try? world.directory.write("changed", to: "in/untold")
        _ = file("d").withCString { from in world.directory.path("aside").withCString { rename(from, $0) } }
        world.events.push(.name(file("a"), .complete), .name(file("d"), .removed))
      }
    ])
    try await world.process(mode: .service)
    #expect(world.keys() == ["a", "d.txt", "untold"])
    #expect(world.store().objects[ObjectKey("a")] == Array("changed".utf8))
    #expect(world.store().listings == 1)
    // What nobody told the last look has found.
    let runs = try await world.ledger.runs(matching: RunFilter(), limit: 10).count
    // A run that begins while a look has what was told takes everything, and leaves nothing to the last look.
    #expect((2...3).contains(runs))
  }

  @Test("Files that go while they are about to be copied to their new names count for max_delete")
  func goneWhileMoved() async throws {
    world.set { $0.intake = .mirror(MirrorRule(deletes: true, deleteLimit: .count(1))) }
    try world.directory.write(["in/keep": "0", "in/site/1": "1", "in/site/2": "2", "in/site/3": "3"])
    world.events.push(.listed(watch: world.directory.path("in")))
    world.files.beforeOpen { [tmp = file("tmp")] path in
      if path.isWithin(tmp) { _ = path.withCString { unlink($0) } }
    }
    await afterEachRun([
      { [self] in
        _ = file("site").withCString { from in file("tmp").withCString { rename(from, $0) } }
        world.events.push(.name(file("site"), .removed), .name(file("tmp"), .complete))
      }
    ])
    let summary = try await world.process(mode: .service)
    #expect(summary.failed == [world.tree(".")])
    #expect(world.keys() == ["keep", "site/1", "site/2", "site/3"])
  }

  @Test("What a pre hook writes starts nothing, though it is told late")
  func preHook() async throws {
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    let count = Mutex(0)
    world.hooks.always("/pre") { [world] _ in
      let number = count.withLock { count in
        count += 1
        return count
      }
      _ = try? world.directory.write("\(number)", to: "in/sums")
      return .success
    }
    try world.directory.write("1", to: "in/a")
    world.events.push(.listed(watch: world.directory.path("in")))
    await world.ledger.onCommit { [self] changes in
      for case .run(let run) in changes where run.state == .done {
        world.events.push(.name(file("sums"), .complete))
        complete()
      }
    }
    try await world.process(mode: .service)
    #expect(count.withLock { $0 } == 1)
    #expect(world.keys() == ["a", "sums"])
  }

  @Test("A file that changes while it is sent is sent again in the next batch, and the run does not fail for it")
  func changing() async throws {
    let once = Mutex(true)
    let directory = Mutex<TemporaryDirectory?>(nil)
    let world = try EngineWorld(
      now: SystemClock().now(),
      gate: { key in
        guard key == ObjectKey("b"), once.withLock({ $0 }) else { return }
        once.withLock { $0 = false }
        directory.withLock { _ = try? $0?.write("changed meanwhile", to: "in/b") }
      })
    directory.withLock { $0 = world.directory }
    world.set {
      $0.intake = .mirror(MirrorRule(deletes: true))
      $0.stop = .count(2)
    }
    try world.directory.write(["in/a": "1", "in/b": "2"])
    world.events.push(.listed(watch: world.directory.path("in")))
    let summary = try await world.process(mode: .service)
    #expect(summary.failed.isEmpty)
    #expect(world.store().objects[ObjectKey("b")] == Array("changed meanwhile".utf8))
    let runs = try await world.ledger.runs(matching: RunFilter(), limit: 10)
    #expect(runs.map(\.state) == [.done, .done])
    #expect(runs.map(\.attempt) == [1, 1])
  }

  @Test("A run that a pre hook skips, or fails, is not made again for the same changes", arguments: [77, 1] as [Int32])
  func skipped(_ code: Int32) async throws {
    world.set {
      $0.hooks = Hooks(pre: [.named("/pre")])
      $0.retry = RetryPolicy(attempts: 1)
    }
    world.hooks.always("/pre") { _ in .exited(code) }
    try world.directory.write("1", to: "in/a")
    world.events.push(.listed(watch: world.directory.path("in")))
    let ended = Mutex(0)
    await world.ledger.onCommit { [self] changes in
      for case .run(let run) in changes where run.state.isFinal {
        let isFirst = ended.withLock { count in
          count += 1
          return count == 1
        }
        // By then it would have been made again more than once.
        if isFirst {
          _ = Task { [self] in
            await idle(); complete()
          }
        }
      }
    }
    try await world.process(mode: .service)
    // The second is that of the last look, before the intake ends.
    #expect(ended.withLock { $0 } == 2)
  }

  /// Until the clock, which is turned on whenever somebody waits, has gone on by more than a batch waits.
  private func idle() async {
    let end = world.clock.now() + .seconds(30)
    // A test that is cancelled waits for nothing more.
    try? await world.clock.sleep(until: end)
  }

  @Test("A change that is told during a run is one more run")
  func duringRun() async throws {
    try world.directory.write(["in/a": "1"])
    world.events.push(.listed(watch: world.directory.path("in")))
    world.set {
      $0.hooks = Hooks(post: [.named("/post")])
      $0.stop = .count(2)
    }
    let isFirst = Mutex(true)
    world.hooks.always("/post") { [self] _ in
      guard isFirst.withLock({ $0 }) else { return .success }
      isFirst.withLock { $0 = false }
      _ = try? world.directory.write("2", to: "in/b")
      world.events.push(.name(file("b"), .complete))
      return .success
    }
    try await world.process(mode: .service)
    #expect(world.keys() == ["a", "b"])
  }
}

@Suite struct MirrorScopeTests {
  private func scope(_ paths: String...) -> MirrorScope { .parts(Set(paths.map { BytePath($0) })) }

  @Test("Parts in parts are looked at once, in byte order")
  func roots() {
    #expect(scope("b", "a/x", "a", "a.txt", "a/x/y").roots == ["a", "a.txt", "b"].map { BytePath($0) })
    #expect(MirrorScope.whole.roots == [.here])
  }

  @Test("Too many parts, or the directory itself, are the whole")
  func whole() {
    var one = scope("a")
    one.formUnion(scope("b"))
    #expect(one == scope("a", "b"))
    one.formUnion(scope("."))
    #expect(one == .whole)
    var many = MirrorScope.parts(Set((0..<MirrorScope.partsMax).map { BytePath("\($0)") }))
    many.formUnion(scope("x"))
    #expect(many == .whole)
  }

  @Test("A batch waits for quiet, but not for ever")
  func batches() {
    var batches = MirrorBatches()
    let tree = TreeID(workflow: WorkflowName("w"), watch: BytePath("/w"), name: .here)
    let start = Timestamp(seconds: 100)
    for second in 0..<30 { batches.touch(tree, now: start + .seconds(second), for: .seconds(2)) }
    #expect(batches.earliest == start + .seconds(20))
    #expect(batches.holds(tree.workflow))
    #expect(batches.takeDue(at: start + .seconds(19)) == [])
    #expect(batches.takeDue(at: start + .seconds(20)) == [tree])
    #expect(batches.earliest == nil && !batches.holds(tree.workflow))
  }
}

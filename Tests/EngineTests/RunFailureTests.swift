import Glibc
import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Failures and restarts") struct RunFailureTests {
  @Test("One destination's failure leaves the other alone, and only what is lacking is sent again")
  func oneDestination() async throws {
    let world = try EngineWorld(destinations: ["a", "b"])
    world.store("b").fail(ObjectKey("t/x"), with: Failure(.transient(retryAfter: nil), "upload", "t/x", cause: "503"))
    try world.makeReady("t", ["x": "1", "y": "2"])
    let summary = try await world.process()
    #expect(summary.failed.count == 0)
    #expect(world.store("a").puts.count == 2)
    #expect(world.store("b").puts.count == 3)
    #expect(world.keys("b") == ["t/x", "t/y"])
  }

  @Test("An attempt whose errors are all permanent is the last; the rest of the tree has been delivered")
  func permanent() async throws {
    let world = try EngineWorld()
    world.store().fail(
      ObjectKey("t/x"), with: Failure(.permanent, "upload", "t/x", cause: "its name is not UTF-8"), times: .max)
    try world.makeReady("t", ["x": "1", "y": "2"])
    let summary = try await world.process()
    #expect(summary.failed.count == 1)
    #expect(world.keys() == ["t/y"])
    let run = try await world.latest("t")
    #expect(run?.attempt == 1)
    #expect(run?.error == "cannot upload t/x: its name is not UTF-8")
  }

  @Test("What is proven below a directory that cannot be read for a moment is not sent again, and no hook runs again")
  func unreadableDirectory() async throws {
    let attempts = Mutex(0)
    let files = Mutex<(FaultyFiles, BytePath)?>(nil)
    let world = try EngineWorld(gate: { key in
      guard key == ObjectKey("t/z"), let (files, path) = files.withLock({ $0 }) else { return }
      let attempt = attempts.withLock { count in
        count += 1
        return count
      }
      if attempt == 1 { files.leaveUnread(path) } else { files.readAll() }
    })
    files.withLock { $0 = (world.files, world.directory.path("in/t/a")) }
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    world.store().fail(
      ObjectKey("t/z"), with: Failure(.transient(retryAfter: nil), "upload", "t/z", cause: "503"), times: 2)
    try world.makeReady("t", ["a.txt": "0", "a/x": "1", "a/y/z": "2", "b": "3", "z": "4"])
    #expect(try await world.process().failed.isEmpty)
    #expect(try await world.latest("t")?.attempt == 3)
    #expect(
      world.store().puts.map(\.key.description).sorted() == ["t/a.txt", "t/a/x", "t/a/y/z", "t/b", "t/z", "t/z", "t/z"])
    #expect(world.hooks.invocations.count == 1)
  }

  @Test("A tree that failed is taken again by the next --once, in a run of its own")
  func retaken() async throws {
    let world = try EngineWorld()
    world.store().fail(ObjectKey("t/x"), with: Failure(.permanent, "upload", "t/x", cause: "no"))
    try world.makeReady("t", ["x": "1"])
    #expect(try await world.process().failed.count == 1)
    #expect(try await world.process().failed.count == 0)
    #expect(world.keys() == ["t/x"])
    #expect(try await world.ledger.runs(matching: RunFilter(), limit: 9).count == 2)
  }

  @Test("A destination that refuses is not asked again for each file, and counts under --once")
  func blocked() async throws {
    let world = try EngineWorld()
    world.store().failAll(with: Failure(.blocked, "upload", "a", cause: "no such bucket"))
    try world.makeReady("t", Dictionary(uniqueKeysWithValues: (0..<200).map { ("f\($0)", "1") }))
    let summary = try await world.process()
    #expect(summary.failed.count == 1)
    #expect(world.store().puts.count < 3 * 70)
    #expect(try await world.latest("t")?.attempt == 3)
  }

  @Test("A link and a FIFO are left out and do not fail the run; an unreadable name does not stop the others")
  func oddities() async throws {
    let world = try EngineWorld()
    try world.makeReady("t", ["x": "1"])
    let tree = world.directory.path("in/t")
    #expect(tree.appending("link").withCString { symlink("/etc/passwd", $0) } == 0)
    #expect(tree.appending("fifo").withCString { mkfifo($0, 0o600) } == 0)
    let summary = try await world.process()
    #expect(summary.failed.count == 0)
    #expect(world.keys() == ["t/x"])
  }

  @Test("A destination that could not make everything durable has nothing")
  func settle() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(post: [.named("/post")]) }
    world.store().failSettle(with: Failure(.transient(retryAfter: nil), "sync", "a", cause: "EIO"), times: .max)
    try world.makeReady("t", ["x": "1"])
    #expect(try await world.process().failed.count == 1)
    #expect(world.hooks.invocations.isEmpty)
  }

  @Test(
    "After a loss of power what a directory had not settled is sent again, after a kill it is not",
    arguments: [true, false])
  func lossOfPower(isLoss: Bool) async throws {
    let world = try EngineWorld()
    try world.makeReady("t", ["x": "1"])
    // The destination's place, ready, uploading, what has been proven; then it dies.
    try await world.process(ledger: DyingLedger(world.ledger, commits: 4))
    #expect(world.store().puts.count == 1)
    if isLoss { world.machineStarted.withLock { $0 = world.clock.now() + .seconds(1) } }
    try await world.process()
    #expect(world.store().puts.count == (isLoss ? 2 : 1))
    #expect(try await world.latest("t")?.state == .done)
  }

  @Test("What was proven at another place of the same name is sent to the new one")
  func moved() async throws {
    let world = try EngineWorld()
    try world.makeReady("t", ["x": "1", "y": "2"])
    try await world.process(ledger: DyingLedger(world.ledger, commits: 4))
    let proven = world.store().puts.count
    #expect(proven > 0)
    world.store().move(to: "elsewhere")
    try await world.process()
    #expect(world.keys() == ["t/x", "t/y"] && world.store().puts.count == proven + 2)
    #expect(world.log.messages(at: .notice).contains("the destination a is now elsewhere:: it was memory:"))
  }

  @Test("A run whose workflow has gone from the file ends failed")
  func workflowGone() async throws {
    let world = try EngineWorld()
    var run = Run(
      id: RunID("01"), tree: TreeID(workflow: WorkflowName("old"), watch: BytePath("/x"), name: BytePath("t")),
      marker: nil, created: Timestamp(seconds: 1))
    run.state = .uploading
    try await world.ledger.commit([.run(run)])
    #expect(try await world.process().failed.count == 1)
    let ended = try await world.ledger.run(run.id)
    #expect(ended?.state == .failed)
    #expect(ended?.error == "its workflow 'old' is no longer in the file")
  }

  @Test("A ledger that cannot be written stops everything: no hook, no deletion, no success")
  func ledgerFails() async throws {
    let world = try EngineWorld()
    world.set {
      $0.hooks = Hooks(post: [.named("/post")])
      $0.after = After(success: .delete)
    }
    try world.makeReady("t", ["x": "1"])
    // The destination's place, ready, uploading; what has been proven is the fourth.
    let summary = try await world.process(ledger: DyingLedger(world.ledger, commits: 3))
    #expect(summary.fatal?.cause == "the process died")
    #expect(world.keys() == ["t/x"])
    #expect(world.hooks.invocations.isEmpty)
    #expect(try world.directory.list(BytePath("in/t")).count == 2)
  }

  /// Dies after each commit in turn, and starts again until a process gets through.
  @Test(
    "Killed after any commit, the next process converges, sends nothing again that is proven, and runs the post hook")
  func killedAnywhere() async throws {
    for commits in 0..<40 {
      let world = try EngineWorld(destinations: ["a", "b"])
      world.set {
        $0.hooks = Hooks(pre: [.named("/pre")], post: [.named("/one"), .named("/two")])
        $0.after = After(success: .delete)
      }
      try world.makeReady("t", ["x": "1", "d/y": "2"])
      let dying = DyingLedger(world.ledger, commits: commits)
      let first = try await world.process(ledger: dying)
      let proven = try await provenKeys(world)
      let sent = world.store("a").puts.count + world.store("b").puts.count
      let second = try await world.process()
      #expect(second.failed.count == 0 && second.unfinished == 0, "after \(commits) commits")
      #expect(world.keys("a") == ["t/d/y", "t/x"] && world.keys("b") == ["t/d/y", "t/x"])
      let sentLater = world.store("a").puts.count + world.store("b").puts.count - sent
      #expect(sentLater == 4 - proven, "after \(commits) commits")
      let programs = world.hooks.invocations.map(\.command)
      #expect(programs.contains(Hook.named("/one").command) && programs.contains(Hook.named("/two").command))
      #expect(try world.directory.list(BytePath("in")).isEmpty)
      #expect(try await world.latest("t")?.state == .done)
      if first.fatal == nil { return }
    }
    Issue.record("no process got through without dying")
  }

  @Test(
    "A process that died after it moved or deleted a tree leaves the one that is being made in its place alone",
    arguments: [true, false])
  func remade(moves: Bool) async throws {
    let world = try EngineWorld()
    world.set { $0.after = After(success: moves ? .move(world.directory.path("done")) : .delete) }
    var run = Run(
      id: RunID("01"), tree: world.tree("t"), marker: MarkerIdentity(inode: 1, modified: 1),
      created: Timestamp(seconds: 1))
    (run.state, run.outcome, run.attempt, run.targetPrefix) = (.retiring, .success, 1, [])
    try await world.ledger.commit([.run(run)])
    try world.directory.write("half", to: "in/t/x")
    let summary = try await world.process()
    #expect(summary.failed.count == 0)
    #expect(world.keys().isEmpty)
    #expect(try world.directory.list(BytePath("in/t")) == [BytePath("x")])
    #expect(try await world.latest("t")?.state == .done)
  }

  private func provenKeys(_ world: EngineWorld) async throws -> Int {
    guard let run = try await world.latest("t") else { return 0 }
    return try await world.ledger.uploadCounts(of: run.id).values.reduce(0) { $0 + $1.proven }
  }
}

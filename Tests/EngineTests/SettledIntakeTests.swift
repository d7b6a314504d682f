import Glibc
import LocalFiles
import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Entries that are trees once they have settled", .timeLimit(.minutes(1))) struct SettledIntakeTests {
  private let world: EngineWorld
  private let time = Duration.seconds(5)

  init() throws {
    // What the tests write has just been written.
    world = try EngineWorld(now: SystemClock().now())
    world.set {
      $0.intake = .settled(.seconds(5))
      $0.stop = .markers(complete: BytePath(".complete"), abort: nil)
    }
  }

  private func file(_ name: String) -> BytePath { world.directory.path("in/\(name)") }

  private func trees() async throws -> [String] {
    try await world.ledger.runs(matching: RunFilter(), limit: 100).map(\.tree.name.description).sorted()
  }

  private func complete() {
    _ = try? world.directory.write("", to: "in/.complete")
    world.events.push(.name(file(".complete"), .complete))
  }

  @Test("Each entry is a tree, a directory or a file; a start over what has been delivered sends nothing")
  func once() async throws {
    try world.directory.write(["in/t/x": "1", "in/t/d/y": "2", "in/t-2/z": "3", "in/single": "4"])
    try world.directory.makeDirectory(BytePath("in/empty"))
    let begun = world.clock.now()
    try await world.process()
    // The kernel's time of a file is that of its last tick.
    #expect(world.clock.now() - begun >= time - .milliseconds(100))
    #expect(world.keys() == ["single", "t-2/z", "t/d/y", "t/x"])
    #expect(try await trees() == ["single", "t", "t-2"])
    try await world.process()
    #expect(world.store().puts.count == 4)
    #expect(try await trees().count == 3)
  }

  @Test("Of an entry that has changed only what has changed is sent again, and what is gone is no part of it")
  func changed() async throws {
    world.set { $0.hooks = Hooks(post: [.named("/post")]) }
    try world.directory.write(["in/t/x": "1", "in/t/y": "2", "in/t/z": "3"])
    try await world.process()
    try world.directory.write("other", to: "in/t/y")
    _ = file("t/z").withCString { unlink($0) }
    try await world.process()
    #expect(world.store().puts.map(\.key.description).sorted() == ["t/x", "t/y", "t/y", "t/z"])
    let run = try #require(try await world.latest("t"))
    let rows = try await world.ledger.uploads(of: run.id, after: nil, limit: 10)
    #expect(rows.map(\.path) == ["x", "y"].map { BytePath($0) })
    #expect(try await trees() == ["t", "t"])
  }

  @Test("A file that is open for writing keeps its entry back, one that the filter leaves out does not")
  func openWriter() async throws {
    world.set { $0.exclude = [FilterRule(pattern: #"\.log$"#, location: EngineWorld.location)] }
    try world.directory.write(["in/t/x": "1", "in/u/y": "2"])
    let writer = file("t/x").withCString { open($0, O_WRONLY | O_APPEND | O_CLOEXEC) }
    try await world.process()
    #expect(world.keys() == ["u/y"])
    #expect(world.log.messages(at: .notice).contains("left out \(file("t")): it is still being written"))
    close(writer)
    awaitNoWriter(file("t/x"))
    try world.directory.write("busy", to: "in/t/z.log")
    try await world.process()
    #expect(world.keys() == ["t/x", "u/y"])
    try world.directory.write("busier", to: "in/t/z.log")
    try await world.process()
    #expect(try await trees() == ["t", "u"])
  }

  @Test("In a service events push the time, and a walk finds what lies there")
  func service() async throws {
    try world.directory.write(["in/t/x": "1", "in/u/y": "2"])
    world.events.push(
      .listed(watch: world.directory.path("in")), .name(file("u/y"), .complete), .name(file("u/y"), .found))
    let left = Mutex<Set<BytePath>>([BytePath("t"), BytePath("u")])
    await world.ledger.onCommit { [self] changes in
      for case .run(let run) in changes where run.state == .done {
        let isLast = left.withLock { left in
          left.remove(run.tree.name)
          return left.isEmpty
        }
        if isLast { complete() }
      }
    }
    try await world.process(mode: .service)
    #expect(world.keys() == ["t/x", "u/y"])
    #expect(world.store().puts.count == 2)
  }

  @Test("What had begun to settle before the complete marker is waited for")
  func completes() async throws {
    try world.directory.write(["in/t/x": "1", "in/.complete": ""])
    world.events.push(.name(file("t/x"), .complete), .name(file(".complete"), .found))
    try await world.process(mode: .service)
    #expect(world.keys() == ["t/x"])
  }

  @Test("A write while the run is under way is one more run after it, and 'after' is left to that one")
  func writtenMeanwhile() async throws {
    world.set {
      $0.hooks = Hooks(post: [.named("/post")])
      $0.after = After(success: .delete)
    }
    world.hooks.enqueue { [world] _ in
      _ = try? world.directory.write("2", to: "in/t/new")
      world.events.push(.name(world.directory.path("in/t/new"), .complete))
      return .success
    }
    let done = Mutex(0)
    await world.ledger.onCommit { [self] changes in
      for case .run(let run) in changes where run.state == .done {
        let isSecond = done.withLock { done in
          done += 1
          return done == 2
        }
        if isSecond { complete() }
      }
    }
    try world.directory.write("1", to: "in/t/x")
    world.events.push(.name(file("t/x"), .complete))
    try await world.process(mode: .service)
    #expect(world.store().puts.map(\.key.description) == ["t/x", "t/new"])
    #expect(try world.directory.list(BytePath("in")) == [BytePath(".complete")])
    #expect(world.log.messages(at: .notice).contains("\(file("t/new")) is new since the upload: 'after' is left out"))
  }

  @Test(
    "What a pre hook makes in the tree is delivered with it and starts nothing, also where the hook fails for good",
    arguments: [0, 1] as [Int32])
  func preHook(code: Int32) async throws {
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    let count = Mutex(0)
    world.hooks.always("/pre") { [world] _ in
      let number = count.withLock { count in
        count += 1
        return count
      }
      _ = try? world.directory.write("\(number)", to: "in/t/made\(number)")
      world.events.push(.name(world.directory.path("in/t/made\(number)"), .complete))
      return .exited(code)
    }
    await world.ledger.onCommit { [self] changes in
      for case .run(let run) in changes where run.state == (code == 0 ? .uploading : .failed) { complete() }
    }
    try world.directory.write("1", to: "in/t/x")
    world.events.push(.name(file("t/x"), .complete))
    try await world.process(mode: .service)
    #expect(try await trees() == ["t"])
    #expect(world.keys() == (code == 0 ? ["t/made1", "t/x"] : []))
    #expect(count.withLock { $0 } == (code == 0 ? 1 : 3))
  }

  @Test("A run whose tree is being written again, or is gone, when it begins is withdrawn")
  func withdrawn() async throws {
    for name in ["gone", "fresh", "open"] {
      try world.directory.write("1", to: "in/\(name)/x")
      let run = Run(
        id: RunID("01\(name)"), tree: world.tree(name), marker: MarkerIdentity(inode: 1, modified: 1),
        created: Timestamp(seconds: 1))
      try await world.ledger.commit([.run(run), .answered(run.tree, run.marker)])
    }
    _ = file("gone/x").withCString { unlink($0) }
    let writer = file("open/x").withCString { open($0, O_WRONLY | O_CLOEXEC) }
    // By their own times the two others are quiet as soon as the clock is turned on: what they began is over by then.
    try await world.process(turnsAfter: { [world] in
      for name in ["gone", "fresh", "open"] { await world.end(of: RunID("01\(name)")) }
    })
    close(writer)
    for name in ["gone", "open"] { #expect(try await world.latest(name)?.state == .cancelled) }
    #expect(try await world.ledger.run(RunID("01fresh"))?.state == .cancelled)
    #expect(world.keys() == ["fresh/x"])
  }

  @Test("Delivered entries are deleted whole, files and directories")
  func deletes() async throws {
    world.set { $0.after = After(success: .delete) }
    try world.directory.write(["in/t/d/x": "1", "in/single": "2"])
    try await world.process()
    #expect(try world.directory.list(BytePath("in")).isEmpty)
    #expect(world.keys() == ["single", "t/d/x"])
    try world.directory.write("1", to: "in/t/d/x")
    try await world.process()
    #expect(try await trees() == ["single", "t", "t"])
  }

  @Test("Hooks are started in a directory, and beside a file; a file needs no manifest at its destination")
  func hooks() async throws {
    world.set {
      $0.hooks = Hooks(post: [.named("/post")])
      $0.commit = .manifest
    }
    try world.directory.write(["in/t/x": "1", "in/single": "2"])
    try await world.process()
    #expect(Set(world.hooks.invocations.map(\.directory)) == [world.directory.path("in"), file("t")])
    #expect(world.keys() == ["single", "t/manifest.json", "t/x"])
  }

  @Test("A tree with a part that cannot be read is told and not taken")
  func unreadable() async throws {
    try world.directory.write(["in/t/x": "1", "in/u/y": "1"])
    world.files.leaveUnread(file("t/x"))
    let summary = try await world.process()
    #expect(world.keys() == ["u/y"])
    #expect(summary.unseen > 0)
    #expect(world.log.messages(at: .error).contains(FaultyFiles.denied(file("t/x")).message))
  }

  @Test("A dry run tells the entries that are not as they were delivered")
  func dryRun() async throws {
    try world.directory.write(["in/a/x": "1", "in/b/y": "2"])
    try await world.process()
    try world.directory.write(["in/b/z": "3", "in/c": "4"])
    let dryRun = try DryRun(
      world.configuration, only: nil, ports: try world.ports(world.ledger), logger: world.log.logger)
    var trees: [String] = []
    #expect(
      try await dryRun.run { line in
        if case .tree(let tree) = line { trees.append(tree.name.description) }
      })
    #expect(trees == ["b", "c"])
  }
}

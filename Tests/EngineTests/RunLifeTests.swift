import LocalFiles
import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("The life of a run") struct RunLifeTests {
  @Test("A marked tree reaches every destination, its marker does not, and it is not sent again")
  func delivered() async throws {
    let world = try EngineWorld(destinations: ["a", "b"])
    world.set { $0.targetPrefix = Template([.literal(Array("p/".utf8)), .workflow]) }
    try world.makeReady("t", ["x": "1", "d/y": "2"])
    let summary = try await world.process()
    #expect(summary.failed.count == 0 && summary.unfinished == 0)
    #expect(world.keys("a") == ["p/w/t/d/y", "p/w/t/x"])
    #expect(world.keys("b") == ["p/w/t/d/y", "p/w/t/x"])
    #expect(try await world.latest("t")?.state == .done)
    #expect(world.store().settlements == 1)
    try await world.process()
    #expect(world.store().puts.count == 2)
  }

  @Test("A tree without a marker is left alone")
  func unmarked() async throws {
    let world = try EngineWorld()
    try world.directory.write("1", to: "in/t/x")
    try await world.process()
    #expect(world.keys().isEmpty)
    #expect(try await world.latest("t") == nil)
  }

  @Test("The watched directory itself can be the tree")
  func root() async throws {
    let world = try EngineWorld()
    try world.directory.write(["in/x": "1", "in/.ready": ""])
    try await world.process()
    #expect(world.keys() == ["x"])
  }

  @Test("Files that the filter does not take stay; both destinations get the others")
  func filtered() async throws {
    let world = try EngineWorld()
    world.set {
      $0.filter = [FilterRule(pattern: #"\.txt$"#, location: EngineWorld.location)]
      $0.exclude = [FilterRule(pattern: "^t/no", location: EngineWorld.location)]
      $0.after = After(success: .delete)
    }
    try world.makeReady("t", ["a.txt": "1", "no.txt": "2", "b.bin": "3", "d/c.txt": "4"])
    try await world.process()
    #expect(world.keys() == ["t/a.txt", "t/d/c.txt"])
    #expect(try world.directory.list(BytePath("in/t")) == ["b.bin", "no.txt"].map { BytePath($0) })
  }

  @Test("Of a tree of which the filter takes nothing a warning tells, of an empty one none")
  func nothingTaken() async throws {
    let world = try EngineWorld()
    world.set { $0.filter = [FilterRule(pattern: #"\.txt$"#, location: EngineWorld.location)] }
    try world.makeReady("none", ["a.bin": "1", "d/b.bin": "2"])
    try world.makeReady("empty", [:])
    try world.makeReady("some", ["a.bin": "1", "a.txt": "2"])
    try await world.process()
    #expect(
      world.log.messages(at: .warning)
        == ["nothing of the tree is taken: filter and exclude leave out all of its 2 files"])
  }

  @Test("With 'delete' an uploaded tree goes, its marker too; the watched directory stays")
  func deleted() async throws {
    let world = try EngineWorld()
    world.set { $0.after = After(success: .delete) }
    try world.makeReady("t", ["x": "1", "d/y": "2"])
    try await world.process()
    #expect(try world.directory.list(BytePath("in")).isEmpty)
    try world.directory.write(["in/x": "1", "in/.ready": ""])
    try await world.process()
    #expect(try world.directory.list(BytePath("in")).isEmpty)
    #expect(world.keys() == ["t/d/y", "t/x", "x"])
  }

  @Test("With 'move' a tree goes to the directory, under another name if its own is taken")
  func moved() async throws {
    let world = try EngineWorld()
    world.set { $0.after = After(success: .move(world.directory.path("done"))) }
    for content in ["1", "2"] {
      try world.makeReady("t", ["x": content])
      try await world.process()
    }
    #expect(try world.directory.list(BytePath("in")).isEmpty)
    #expect(try world.directory.list(BytePath("done")) == ["t", "t-1"].map { BytePath($0) })
  }

  @Test("A touched marker makes the tree ready again")
  func again() async throws {
    let world = try EngineWorld()
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    try world.makeReady("t", ["x": "2"])
    try await world.process()
    #expect(world.store().objects[ObjectKey("t/x")] == Array("2".utf8))
    #expect(world.store().puts.count == 2)
  }

  @Test("A file that changes while it is sent is sent again, whole")
  func changing() async throws {
    let path = Mutex<TemporaryDirectory?>(nil)
    let world = try EngineWorld(gate: { _ in
      // Only the first time.
      let directory = path.withLock { value in
        defer { value = nil }
        return value
      }
      _ = try? directory?.write("longer than before", to: "in/t/x")
    })
    path.withLock { $0 = world.directory }
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process()
    #expect(summary.failed.count == 0)
    #expect(world.store().objects[ObjectKey("t/x")] == Array("longer than before".utf8))
    #expect(try await world.latest("t")?.attempt == 2)
  }

  @Test("A marker that was removed before the run began withdraws it")
  func withdrawn() async throws {
    let world = try EngineWorld()
    let tree = world.tree("t")
    try world.directory.makeDirectory(BytePath("in/t"))
    let marker = MarkerIdentity(inode: 1, modified: 1)
    let run = Run(id: RunID("01"), tree: tree, marker: marker, created: Timestamp(seconds: 1))
    try await world.ledger.commit([.run(run)])
    let summary = try await world.process()
    #expect(summary.failed.count == 0 && summary.unfinished == 0)
    #expect(try await world.latest("t")?.state == .cancelled)
    #expect(world.hooks.invocations.isEmpty && world.keys().isEmpty)
  }

  @Test("A marker that was touched while its run stood in the queue is answered by that run")
  func touchedInQueue() async throws {
    let world = try EngineWorld()
    try world.makeReady("t", ["x": "1"])
    let old = MarkerIdentity(inode: 1, modified: 1)
    let run = Run(id: RunID("01"), tree: world.tree("t"), marker: old, created: Timestamp(seconds: 1))
    try await world.ledger.commit([.run(run), .answered(run.tree, old)])
    try await world.process()
    try await world.process()
    #expect(world.store().puts.count == 1)
    let marker = try LocalTreeFiles().marker(at: world.directory.path("in/t/.ready"))
    #expect(try await world.ledger.answeredMarker(of: run.tree) == marker?.identity)
  }

  @Test("An outer tree takes the inner one with it, answers its marker and withdraws its run")
  func nested() async throws {
    let world = try EngineWorld()
    try world.makeReady("t", ["x": "1"])
    try world.makeReady("t/inner", ["y": "2"])
    let outer = Run(id: RunID("01"), tree: world.tree("t"), marker: nil, created: Timestamp(seconds: 1))
    let marker = try #require(try LocalTreeFiles().marker(at: world.directory.path("in/t/.ready")))
    try await world.ledger.commit([.run(outer), .answered(outer.tree, marker.identity)])
    try await world.process()
    #expect(world.keys() == ["t/inner/y", "t/x"])
    #expect(world.store().puts.count == 2)
    // Either its run was withdrawn, or its marker was answered before it had one.
    #expect(try await world.latest("t/inner")?.state ?? .cancelled == .cancelled)
    #expect(try await world.ledger.answeredMarker(of: world.tree("t/inner")) != nil)
  }

  @Test("Trees that would write the same keys from two places are refused, not mixed")
  func stems() async throws {
    let world = try EngineWorld()
    let other = BytePath("other")
    try world.directory.makeDirectory(other)
    world.set {
      $0.watch.append(WatchDirectory(path: world.directory.path("other"), location: EngineWorld.location))
    }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    try world.directory.write(["other/t/x": "2", "other/t/.ready": ""])
    let summary = try await world.process()
    #expect(summary.failed.count == 1)
    #expect(world.store().objects[ObjectKey("t/x")] == Array("1".utf8))
    let failed = try await world.ledger.runs(matching: RunFilter(state: "failed"), limit: 1).first
    #expect(
      failed?.error
        == "cannot upload \(world.directory.path("other/t")): at destination 'a' the keys below 't' belong to "
        + "\(world.directory.path("in/t")); set source_prefix or put {workflow} into target_prefix to tell the two apart"
    )
  }

  @Test("A count ends the service after so many trees, whatever their end")
  func count() async throws {
    let world = try EngineWorld()
    world.set { $0.stop = .count(2) }
    for name in ["t1", "t2", "t3"] { try world.makeReady(name, ["x": "1"]) }
    world.store().fail(ObjectKey("t1/x"), with: Failure(.permanent, "upload", "t1/x", cause: "no"))
    let watch = world.directory.path("in")
    for name in ["t1", "t2", "t3"] { world.events.push(.name(watch.appending("\(name)/.ready"), .found)) }
    world.events.push(.listed(watch: watch))
    let summary = try await world.process(mode: .service)
    #expect(summary.failed.count == 1)
    #expect(world.keys() == ["t2/x"])
  }

  @Test("A complete marker ends the service once all that was ready before it is done")
  func complete() async throws {
    let world = try EngineWorld()
    world.set { $0.stop = .markers(complete: BytePath(".complete"), abort: BytePath(".abort")) }
    for name in ["t1", "t2", "t3"] { try world.makeReady(name, ["x": "1"]) }
    try world.directory.write("", to: "in/.complete")
    let watch = world.directory.path("in")
    // Told before any of the trees: the scan must find them.
    world.events.push(.name(watch.appending(".complete"), .found), .listed(watch: watch))
    let summary = try await world.process(mode: .service)
    #expect(summary.unfinished == 0)
    #expect(world.keys() == ["t1/x", "t2/x", "t3/x"])
    #expect(try world.directory.list(BytePath("in")).contains(BytePath(".complete")))
  }

  @Test("An abort marker lets nothing begin")
  func abort() async throws {
    let world = try EngineWorld()
    world.set { $0.stop = .markers(complete: BytePath(".complete"), abort: BytePath(".abort")) }
    try world.makeReady("t1", ["x": "1"])
    try world.directory.write("", to: "in/.abort")
    let watch = world.directory.path("in")
    world.events.push(.name(watch.appending(".abort"), .found), .name(watch.appending("t1/.ready"), .found))
    try await world.process(mode: .service)
    #expect(world.keys().isEmpty)
  }

  @Test("The started file is written once every watched directory has been listed")
  func started() async throws {
    let world = try EngineWorld()
    world.set {
      $0.started = world.directory.path("started")
      $0.stop = .markers(complete: BytePath(".complete"), abort: nil)
    }
    let watch = world.directory.path("in")
    try world.directory.write("", to: "in/.complete")
    world.events.push(.listed(watch: watch), .name(watch.appending(".complete"), .found))
    try await world.process(mode: .service)
    #expect(try world.directory.list().contains(BytePath("started")))
  }
}

import Glibc
import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Files that are trees once they are closed", .timeLimit(.minutes(1))) struct ClosedIntakeTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld()
    world.set { $0.intake = .closed }
  }

  private func file(_ name: String) -> BytePath { world.directory.path("in/\(name)") }

  private func trees() async throws -> [String] {
    try await world.ledger.runs(matching: RunFilter(), limit: 100).map(\.tree.name.description).sorted()
  }

  @Test("Each file is a tree of its own, and a start over what has been delivered sends nothing")
  func once() async throws {
    try world.directory.write(["in/x": "1", "in/d/e/y": "2"])
    try await world.process()
    #expect(world.keys() == ["d/e/y", "x"])
    #expect(try await trees() == ["d/e/y", "x"])
    #expect(try await world.latest("d/e/y")?.state == .done)
    try await world.process()
    #expect(world.store().puts.count == 2)
    #expect(try await trees().count == 2)
  }

  @Test("A file that was written again is ready again; a new name is a new tree, and the old one is forgotten")
  func again() async throws {
    try world.directory.write(["in/x": "1", "in/y": "2"])
    try await world.process()
    try world.directory.write("longer", to: "in/x")
    let moved = file("y").withCString { from in file("z").withCString { rename(from, $0) } }
    #expect(moved == 0)
    try await world.process()
    #expect(try await trees() == ["x", "x", "y", "z"])
    #expect(world.store().puts.count == 4)
    let left = try await world.ledger.answeredTrees(
      WorkflowName("w"), watch: world.directory.path("in"), after: nil, limit: 10)
    #expect(left.map(\.name) == ["x", "z"].map { BytePath($0) })
  }

  @Test("Of a file that the filter leaves out no run is made")
  func filtered() async throws {
    world.set {
      $0.filter = [FilterRule(pattern: #"\.csv$"#, location: EngineWorld.location)]
      $0.exclude = [FilterRule(pattern: #"(^|/)\."#, location: EngineWorld.location)]
    }
    try world.directory.write(["in/a.csv": "1", "in/.b.csv": "2", "in/c.log": "3"])
    symlink("a.csv", file("link.csv").description)
    mkfifo(file("pipe.csv").description, 0o644)
    try await world.process()
    #expect(try await trees() == ["a.csv"])
    #expect(world.keys() == ["a.csv"])
  }

  @Test("A push of a file that the filter leaves out is refused")
  func filteredPush() async throws {
    world.set { $0.filter = [FilterRule(pattern: #"\.csv$"#, location: EngineWorld.location)] }
    try world.directory.write("1", to: "in/a.log")
    let refusal = try await world.process(mode: .push([world.tree("a.log")])).fatal
    #expect(
      refusal?.message
        == "cannot push \(file("a.log")): the workflow 'w' leaves it out: no pattern of filter matches")
    #expect(refusal?.code == RunRefusal.notThere)
    #expect(try await trees() == [])
  }

  @Test("A file that somebody has open for writing is left out until it is closed, and that is said")
  func openWriter() async throws {
    let path = try world.directory.write("half", to: "in/x")
    let writer = path.withCString { open($0, O_WRONLY | O_APPEND | O_CLOEXEC) }
    #expect(try await world.process().unfinished == 0)
    #expect(try await trees() == [])
    #expect(world.log.messages(at: .notice).filter { $0 == "left out \(path): it is still being written" }.count == 1)
    #expect(write(writer, " and half", 9) == 9)
    close(writer)
    awaitNoWriter(path)
    try await world.process()
    #expect(world.store().objects[ObjectKey("x")] == Array("half and half".utf8))
  }

  @Test("A run whose file is being written again, or is gone, when it begins is withdrawn")
  func withdrawn() async throws {
    for name in ["gone", "open"] {
      try world.directory.write("1", to: "in/\(name)")
      let run = Run(
        id: RunID("01\(name)"), tree: world.tree(name), marker: MarkerIdentity(inode: 1, modified: 1),
        created: Timestamp(seconds: 1))
      try await world.ledger.commit([.run(run), .answered(run.tree, run.marker)])
    }
    _ = file("gone").withCString { unlink($0) }
    let writer = file("open").withCString { open($0, O_WRONLY | O_CLOEXEC) }
    try await world.process()
    for name in ["gone", "open"] {
      #expect(try await world.latest(name)?.state == .cancelled)
      #expect(try await world.ledger.answeredMarker(of: world.tree(name)) == nil)
    }
    close(writer)
    awaitNoWriter(file("open"))
    try await world.process()
    #expect(world.keys() == ["open"])
  }

  @Test("With 'delete' a delivered file goes, its directory stays; with 'move' it is moved")
  func after() async throws {
    world.set { $0.after = After(success: .delete) }
    try world.directory.write("1", to: "in/d/x")
    try await world.process()
    #expect(try world.directory.list(BytePath("in")) == [BytePath("d")])
    #expect(try world.directory.list(BytePath("in/d")).isEmpty)
    #expect(try await world.ledger.answeredMarker(of: world.tree("d/x")) == nil)
    world.set { $0.after = After(success: .move(world.directory.path("done"))) }
    try world.directory.write("1", to: "in/d/x")
    try await world.process()
    #expect(try world.directory.list(BytePath("done")) == [BytePath("x")])
    #expect(world.store().puts.count == 2)
  }

  @Test("Hooks are started beside the file, and the manifest names it")
  func hooks() async throws {
    world.set { $0.hooks = Hooks(post: [.named("/post")]) }
    let manifest = Mutex("")
    world.hooks.always("/post") { hook in
      let bytes = (try? world.directory.read(hook.manifest.relative(to: world.directory.path) ?? .here)) ?? []
      manifest.withLock { $0 = String(decoding: bytes, as: UTF8.self) }
      return .success
    }
    try world.directory.write("1", to: "in/d/x")
    try await world.process()
    #expect(world.hooks.invocations.map(\.directory) == [world.directory.path("in/d")])
    let variables = world.hooks.invocations[0].environment
    #expect(variables.contains(EnvironmentVariable("SLIPWAY_TREE", file("d/x").bytes)))
    #expect(variables.contains(EnvironmentVariable("SLIPWAY_TREE_NAME", "d/x")))
    #expect(manifest.withLock { $0.contains(#""path":"x""#) && $0.contains(#""key":"d/x""#) })
  }

  @Test("A tree that failed is taken again by --once alone, or when it changes")
  func failed() async throws {
    world.set { $0.retry = RetryPolicy(attempts: 1) }
    try world.directory.write("1", to: "in/x")
    world.store().failAll(with: Failure(.permanent, "upload", "x", cause: "no"))
    #expect(try await world.process().failed.count == 1)
    world.set { $0.stop = .markers(complete: BytePath(".complete"), abort: nil) }
    try world.directory.write("", to: "in/.complete")
    world.events.push(.listed(watch: world.directory.path("in")), .name(file(".complete"), .found))
    #expect(try await world.process(mode: .service).failed.isEmpty)
    #expect(try await trees() == ["x"])
    #expect(try await world.process().failed.count == 1)
    #expect(try await trees() == ["x", "x"])
  }

  @Test("A dry run tells the files that are ready, and begins nothing")
  func dryRun() async throws {
    try world.directory.write(["in/a": "1", "in/b": "2"])
    try await world.process()
    try world.directory.write(["in/b": "other", "in/c": "3"])
    let dryRun = try DryRun(
      world.configuration, only: nil, ports: try world.ports(world.ledger), logger: world.log.logger)
    var trees: [String] = []
    #expect(
      try await dryRun.run { line in
        if case .tree(let tree) = line { trees.append(tree.name.description) }
      })
    #expect(trees == ["b", "c"])
    #expect(world.store().puts.count == 2)
  }
}

import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("Interruptions", .needsBinary)
struct InterruptionTests {
  @Test("SIGTERM lets finish what is under way, and takes no further tree")
  func drains() async throws {
    try await World.with { world in
      let going = world.scratch("go")
      try world.configure(
        "hooks: { pre: [{ shell: 'touch \(world.scratch("in-hook")); until test -e \(going); do sleep 0.02; done' }] }",
        to: "[copy]", settings: "drain: 50s")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await eventually { world.scratch.exists("in-hook") }, "\(service.transcript)")
      service.signal(SIGTERM)
      try world.scratch.write("", to: "go")
      try await service.expectEnd(.exited(0))
      #expect(try world.copies() == ["t/a"])
    }
  }

  @Test("What does not end within drain is recorded, and the exit code is 75")
  func drainIsOver() async throws {
    try await World.with { world in
      let hook = "touch \(world.scratch("in-hook")); test -e \(world.scratch("go")) || exec sleep 1000"
      try world.configure(
        "hooks: { pre: [{ shell: '\(hook)' }] }", to: "[copy]", settings: "drain: 200ms, grace: 200ms")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await eventually { world.scratch.exists("in-hook") }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(75))
      #expect(try world.copies() == [])
      try world.scratch.write("", to: "go")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["t/a"])
    }
  }

  @Test("The second SIGTERM ends it at once, with 143", arguments: [(SIGTERM, Int32(143)), (SIGINT, Int32(130))])
  func secondSignal(signal: Int32, code: Int32) async throws {
    try await World.with { world in
      try world.configure(
        "hooks: { pre: [{ shell: 'echo $$ >\(world.scratch("pid")); trap \"\" TERM INT; sleep 1000' }] }", to: "[copy]",
        settings: "drain: 500s")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await eventually { world.scratch.lines("pid").count == 1 }, "\(service.transcript)")
      service.signal(signal)
      // Two equal signals that wait to be taken are one (signal(7)): the first must have been taken.
      #expect(await service.line(containing: "stopping") != nil, "\(service.transcript)")
      service.signal(signal)
      try await service.expectEnd(.exited(code))
      let hook = try #require(world.scratch.lines("pid").first.flatMap { pid_t($0) })
      #expect(await eventually { !World.isRunning(hook) }, "the hook outlived it")
    }
  }

  @Test("kill -9 in the middle of an upload: the restart does not send again what had arrived, and runs the post hook")
  func killedInUpload() async throws {
    let stall = FaultRule(.init(method: "PUT", keyPrefix: "pre/t/z"), .stall(.beforeEffect))
    try await World.with(.scripted([stall])) { world in
      let server = try #require(world.scripted)
      try world.configure(
        "hooks: { post: [{ shell: 'echo post >>\(world.scratch("log"))' }] }", to: "[store]", settings: "transfers: 1")
      let names = (10..<50).map { "f\($0)" }
      try world.makeTree("t", Dictionary(uniqueKeysWithValues: (names + ["z"]).map { ($0, "content of \($0)") }))
      let first = try world.start("run", "--once")
      #expect(await server.wait { $0.requests.contains { $0.keyText == "pre/t/z" } }, "\(first.transcript)")
      #expect(try await world.hasRecorded(names.count), "\(first.transcript)")
      first.signal(SIGKILL)
      try await first.expectEnd(.signalled(SIGKILL))
      #expect(world.scratch.lines("log") == [])
      server.removeRules()
      try await world.run("run", "--once")
      #expect(try await world.keys() == (names + ["z"]).map { "pre/t/\($0)" })
      #expect(world.scratch.lines("log") == ["post"])
      #expect(names.allSatisfy { world.putCount("/\($0)") == 1 })
      #expect(world.putCount("/z") == 2)
    }
  }

  @Test("kill -9 in a post hook: the restart sends nothing and runs that hook again, not the one before it")
  func killedInPostHook() async throws {
    try await World.with(.scripted([])) { world in
      let log = world.scratch("log")
      let hang = "echo two >>\(log); test -e \(world.scratch("go")) || exec sleep 1000"
      try world.configure("hooks: { post: [{ shell: 'echo one >>\(log)' }, { shell: '\(hang)' }] }")
      try world.makeTree("t", ["a": "1", "b": "2"])
      let first = try world.start("run", "--once")
      #expect(await eventually { world.scratch.lines("log") == ["one", "two"] }, "\(first.transcript)")
      first.signal(SIGKILL)
      try await first.expectEnd(.signalled(SIGKILL))
      let sent = world.scripted?.requests.count
      try world.scratch.write("", to: "go")
      try await world.run("run", "--once")
      #expect(world.scratch.lines("log") == ["one", "two", "two"])
      #expect(world.scripted?.requests.count == sent)
    }
  }

  @Test("kill -9 at any time: what is left converges, and the post hook has run")
  func killedAnytime() async throws {
    try await World.with(.scripted([.every("PUT", "pre/", .delay(.milliseconds(3)))])) { world in
      let log = world.scratch("log")
      try world.configure(
        """
        hooks:
          pre: [{ shell: 'echo sum >SUM' }]
          post: [{ shell: 'echo "$SLIPWAY_TREE_NAME" >>\(log)' }]
        after: { success: delete }
        """)
      let trees = (0..<6).map { "t\($0)" }
      for tree in trees { try world.makeTree(tree, ["a": tree, "b/c": tree, "d": tree]) }
      for step in 1...12 {
        let program = try world.start("run", "--once")
        // What the number of requests stands for, not a time: each life is killed a little further on.
        let seen = world.scripted?.requests.count ?? 0
        _ = await world.scripted?.wait(upTo: .seconds(5)) { $0.requests.count >= seen + step || program.hasEnded }
        program.signal(SIGKILL)
        _ = await program.end()
      }
      try await world.run("run", "--once")
      let files = trees.flatMap { tree in ["SUM", "a", "b/c", "d"].map { "\(tree)/\($0)" } }
      #expect(try await world.keys() == files.map { "pre/\($0)" })
      #expect(try world.copies() == files)
      #expect(Set(world.scratch.lines("log")) == Set(trees))
      #expect(try world.scratch.files(below: "in") == [])
    }
  }

  @Test("A second process on the same state directory is refused with 75, and told whose it is")
  func secondProcess() async throws {
    try await World.with { world in
      try world.configure(to: "[copy]")
      let service = try await world.startService()
      let second = try await world.run("run", "--once", expecting: 75)
      #expect(
        second.lines(.errors).contains { $0.contains("\(service.pid)") && $0.contains("state") }, "\(second.transcript)"
      )
      try world.makeTree("t", ["a": "1"])
      // It takes no lock; what it plans may have been delivered meanwhile.
      try await world.run("run", "--dry-run")
      #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
      #expect(!service.hasEnded)
    }
  }
}

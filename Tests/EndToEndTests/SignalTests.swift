import Foundation
import TestSupport
import Testing

@Suite("Signals during an upload", .needsBinary)
struct SignalTests {
  @Test("fault 37: SIGTERM in an upload lets it end within drain, with its post hook")
  func drains() async throws {
    let slow = FaultRule.first("PUT", "pre/t/z", .delay(.seconds(1)))
    try await World.with(.scripted([slow])) { world in
      let server = try #require(world.scripted)
      let log = world.scratch("log")
      try world.configure(
        "hooks: { post: [{ shell: 'echo $SLIPWAY_STATUS >>\(log)' }] }", to: "[store]", settings: "drain: 50s")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1", "z": "2"])
      #expect(await server.wait { $0.requests.contains { $0.keyText == "pre/t/z" } }, "\(service.transcript)")
      service.signal(SIGTERM)
      #expect(await service.line(containing: "stopping") != nil)
      try world.makeTree("late", ["a": "1"])
      try await service.expectEnd(.exited(0))
      #expect(server.keys(in: world.bucket).map { String(decoding: $0, as: UTF8.self) } == ["pre/t/a", "pre/t/z"])
      #expect(world.scratch.lines("log") == ["success"])
    }
  }

  @Test("fault 37: what does not end within drain is recorded, and all that had been answered is not sent again")
  func records() async throws {
    let stall = FaultRule.first("PUT", "pre/t/z", .stall(.beforeEffect))
    try await World.with(.scripted([stall])) { world in
      let server = try #require(world.scripted)
      try world.configure(
        "hooks: { post: [{ shell: 'echo $SLIPWAY_STATUS >>\(world.scratch("log"))' }] }", to: "[store]",
        settings: "drain: 100ms, transfers: 4")
      let names = (100..<200).map { "f\($0)" }
      let service = try await world.startService()
      try world.makeTree("t", Dictionary(uniqueKeysWithValues: (names + ["z"]).map { ($0, $0) }))
      #expect(await server.wait { $0.requests.contains { $0.keyText == "pre/t/z" } }, "\(service.transcript)")
      #expect(try await world.hasRecorded(names.count), "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(75))
      #expect(world.scratch.lines("log") == [])
      try await world.run("run", "--once")
      #expect(names.allSatisfy { world.putCount("/\($0)") == 1 } && world.putCount("/z") == 2)
      #expect(world.scratch.lines("log") == ["success"])
    }
  }

  @Test(
    "fault 37: the second signal ends an upload at once",
    arguments: [(SIGTERM, Int32(143)), (SIGINT, Int32(130))])
  func second(signal: Int32, code: Int32) async throws {
    try await World.with(.scripted([.first("PUT", "pre/t/a", .stall(.beforeEffect))])) { world in
      let server = try #require(world.scripted)
      try world.configure(to: "[store]", settings: "drain: 500s")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await server.wait { $0.requests.contains { $0.keyText == "pre/t/a" } }, "\(service.transcript)")
      service.signal(signal)
      #expect(await service.line(containing: "stopping") != nil, "\(service.transcript)")
      service.signal(signal)
      try await service.expectEnd(.exited(code))
      try await world.run("run", "--once")
      #expect(try await world.keys() == ["pre/t/a"])
    }
  }

  @Test("Where nothing reads the file again SIGHUP means what SIGTERM means")
  func hangup() async throws {
    try await World.with(.none) { world in
      let hook = "touch \(world.scratch("in-hook")); test -e \(world.scratch("go")) || exec sleep 1000"
      try world.configure("hooks: { pre: [{ shell: '\(hook)' }] }", to: "[copy]", settings: "drain: 100ms, grace: 1s")
      try world.makeTree("t", ["a": "1"])
      let program = try world.start("run", "--once")
      #expect(await eventually { world.scratch.exists("in-hook") }, "\(program.transcript)")
      program.signal(SIGHUP)
      try await program.expectEnd(.exited(75))
      try world.scratch.write("", to: "go")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["t/a"])
    }
  }
}

@Suite("SIGHUP and the workflow file", .needsBinary)
struct RereadingTests {
  /// The n-th time that a service is told to do something shows in its lines.
  private func expect(_ count: Int, _ text: String, _ service: Program) async {
    #expect(
      await eventually { service.lines().count { $0.contains(text) } >= count || service.hasEnded },
      "\(service.transcript)")
    #expect(!service.hasEnded, "\(service.transcript)")
  }

  private func further(_ world: World) throws -> String {
    try world.scratch.makeDirectory("in2")
    let file = String(decoding: try #require(world.scratch.read("workflows.yaml")), as: UTF8.self)
    return file
      + "  second: { watch: ./in2, ready: { marker: .ready }, destinations: [copy], target_prefix: second/ }\n"
  }

  @Test("fault 38: a good file is taken with its new workflow; with a broken one the old stays, and the error is told")
  func good() async throws {
    try await World.with(.none) { world in
      let log = world.scratch("log")
      try world.configure("hooks: { post: [{ shell: 'echo $SLIPWAY_TREE_NAME >>\(log)' }] }", to: "[copy]")
      let service = try await world.startService()
      try world.makeTree("t1", ["a": "1"])
      await expect(1, "run done", service)
      let good = try further(world)

      try world.scratch.write(
        good.replacing("destinations: [copy]", with: "destinatoins: [copy]"), to: "workflows.yaml")
      service.signal(SIGHUP)
      await expect(1, "the workflow file cannot be used: the old one stays", service)
      #expect(
        service.lines(.errors).contains { $0.contains("workflows.yaml:") && $0.contains(": error: ") },
        "\(service.transcript)")
      try world.makeTree("t2", ["a": "1"])
      await expect(2, "run done", service)

      try world.scratch.write(good, to: "workflows.yaml")
      service.signal(SIGHUP)
      await expect(1, "the workflow file has been read again", service)
      try world.scratch.write("1", to: "in2/u/a")
      try world.scratch.write("", to: "in2/u/.ready")
      try world.makeTree("t3", ["a": "1"])
      await expect(4, "run done", service)
      #expect(try world.copies() == ["second/u/a", "t1/a", "t2/a", "t3/a"])
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(world.scratch.lines("log").sorted() == ["t1", "t2", "t3"], "what stood there is no new tree")
    }
  }

  @Test("fault 38: a file that is read while the engine still ends is not lost: the last one counts")
  func twice() async throws {
    try await World.with(.none) { world in
      let hook = "touch \(world.scratch("in-hook")); until test -e \(world.scratch("go")); do sleep 0.02; done"
      try world.configure("hooks: { pre: [{ shell: '\(hook)' }] }", to: "[copy]", settings: "drain: 50s")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await eventually { world.scratch.exists("in-hook") }, "\(service.transcript)")
      service.signal(SIGHUP)
      await expect(1, "the workflow file has been read again", service)
      try world.scratch.write(try further(world), to: "workflows.yaml")
      service.signal(SIGHUP)
      await expect(2, "the workflow file has been read again", service)
      try world.scratch.write("", to: "go")
      try world.scratch.write("1", to: "in2/u/a")
      try world.scratch.write("", to: "in2/u/.ready")
      await expect(2, "run done", service)
      #expect(try world.copies() == ["second/u/a", "t/a"])
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test("A push that comes while the engine still ends is done by the next one")
  func pushed() async throws {
    try await World.with(.none) { world in
      let hook = "touch \(world.scratch("in-hook")); until test -e \(world.scratch("go")); do sleep 0.02; done"
      try world.configure("hooks: { pre: [{ shell: '\(hook)' }] }", to: "[copy]", settings: "drain: 50s")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await eventually { world.scratch.exists("in-hook") }, "\(service.transcript)")
      service.signal(SIGHUP)
      #expect(await service.line(containing: "stopping") != nil, "\(service.transcript)")
      try world.makeTree("u", ["a": "1"], ready: false)
      let push = try world.start("push", "w", "in/u")
      #expect(await push.line(containing: "waiting for process") != nil, "\(push.transcript)")
      try world.scratch.write("", to: "go")
      try await push.expectEnd(.exited(0))
      #expect(try world.copies() == ["t/a", "u/a"])
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test("fault 38: a file that is right, but of which no engine can be made, leaves the old one, too")
  func unusable() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      let service = try await world.startService()
      let file = String(decoding: try #require(world.scratch.read("workflows.yaml")), as: UTF8.self)
      try world.scratch.write(
        file.replacing("    region: us-east-1\n", with: "").replacing(
          "destinations: [copy]", with: "destinations: [store]"
        )
        .replacing("    endpoint: \(world.reader.endpoint)\n", with: ""), to: "workflows.yaml")
      service.signal(SIGHUP)
      await expect(1, "the old one stays", service)
      #expect(service.lines(.errors).contains { $0.contains("region") }, "\(service.transcript)")
      try world.makeTree("t", ["a": "1"])
      await expect(1, "run done", service)
      #expect(try world.copies() == ["t/a"])
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test("A count is that of the process, however often the file is read again")
  func counted() async throws {
    try await World.with(.none) { world in
      try world.configure("stop: { count: 2 }", to: "[copy]")
      let service = try await world.startService()
      try world.makeTree("t1", ["a": "1"])
      await expect(1, "run done", service)
      try await world.readAgain(service)
      try world.makeTree("t2", ["a": "1"])
      try await service.expectEnd(.exited(0))
      #expect(try world.copies() == ["t1/a", "t2/a"])
    }
  }

  @Test("Another state directory waits for a restart, and that is said")
  func stateDirectory() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      let service = try await world.startService()
      let file = String(decoding: try #require(world.scratch.read("workflows.yaml")), as: UTF8.self)
      try world.scratch.write(file.replacing("./state", with: "./other"), to: "workflows.yaml")
      service.signal(SIGHUP)
      await expect(1, "state_dir is another one now: that waits for a restart", service)
      try world.makeTree("t", ["a": "1"])
      await expect(1, "run done", service)
      #expect(!world.scratch.exists("other"))
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test("A run that is under way goes on with what it had, and its tree is taken once")
  func duringUpload() async throws {
    let stall = FaultRule.first("PUT", "pre/t/z", .stall(.beforeEffect))
    try await World.with(.scripted([stall])) { world in
      let server = try #require(world.scripted)
      try world.configure(
        "hooks: { post: [{ shell: 'echo $SLIPWAY_RUN_ID >>\(world.scratch("log"))' }] }", to: "[store]",
        settings: "drain: 100ms")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1", "z": "2"])
      #expect(await server.wait { $0.requests.contains { $0.keyText == "pre/t/z" } }, "\(service.transcript)")
      #expect(try await world.hasRecorded(1), "\(service.transcript)")
      service.signal(SIGHUP)
      await expect(1, "run done", service)
      #expect(world.putCount("/a") == 1 && world.putCount("/z") == 2, "\(service.transcript)")
      #expect(world.scratch.lines("log").count == 1)
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }
}

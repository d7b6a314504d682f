import Foundation
import TestSupport
import Testing

@Suite("retry and cancel, without a service and beside one", .needsBinary)
struct RetryVerbTests {
  /// A workflow whose post hook fails until the file `go` lies there.
  private func configure(_ world: World, to names: String = "[store]") throws {
    let log = world.scratch("log")
    try world.configure(
      """
      hooks:
        post: [{ shell: 'echo one >>\(log)' }, { shell: 'echo two >>\(log); test -e \(world.scratch("go"))' }]
      retry: { attempts: 2, backoff: 10ms..20ms }
      """, to: names)
  }

  @Test("A post hook that failed is started again alone, and nothing is sent again; the next start does it")
  func postHookAlone() async throws {
    try await World.with(.scripted([])) { world in
      try configure(world)
      try world.makeTree("t", ["a": "1", "b": "2"])
      try await world.run("run", "--once", expecting: 1)
      let sent = world.scripted?.requests.count
      let run = try await id(of: "t", world)
      try world.scratch.write("", to: "go")
      let verb = try await world.run("retry", run)
      #expect(
        verb.lines(.output) == ["run \(run) will go on when slipway runs: \(world.scratch("in/t"))"],
        "\(verb.transcript)")
      #expect(try await world.run("runs", "--json").objects().first?["state"] as? String == "waiting")
      try await world.run("run", "--once")
      #expect(world.scratch.lines("log") == ["one", "two", "two", "two"])
      #expect(world.scripted?.requests.count == sent)
      #expect(try await world.run("runs", "--json").objects().map { $0["state"] as? String } == ["done"])
    }
  }

  @Test("Beside a service it goes on at once")
  func besideService() async throws {
    try await World.with(.scripted([])) { world in
      try configure(world)
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await service.line(containing: "run failed") != nil, "\(service.transcript)")
      let sent = world.scripted?.requests.count
      let run = try await id(of: "t", world)
      try world.scratch.write("", to: "go")
      let verb = try await world.run("retry", run)
      #expect(verb.lines(.output) == ["run \(run) goes on: \(world.scratch("in/t"))"], "\(verb.transcript)")
      #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
      #expect(world.scratch.lines("log") == ["one", "two", "two", "two"])
      #expect(world.scripted?.requests.count == sent)
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(!world.scratch.exists("state/control.sock"))
    }
  }

  @Test("An upload that failed goes on with what has not arrived")
  func uploadGoesOn() async throws {
    try await World.with(.scripted([.every("PUT", "pre/t/b", .answer(status: 403, code: "AccessDenied"))])) { world in
      try world.configure(to: "[store]")
      try world.makeTree("t", ["a": "1", "b": "2"])
      try await world.run("run", "--once", expecting: 1)
      world.scripted?.removeRules()
      try await world.run("retry", try await id(of: "t", world))
      try await world.run("run", "--once")
      #expect(try await world.keys() == ["pre/t/a", "pre/t/b"])
      #expect(world.putCount("/a") == 1)
    }
  }

  @Test("--failed: the latest runs of the trees that still lie there, and no others")
  func allFailed() async throws {
    try await World.with(.none) { world in
      try configure(world, to: "[copy]")
      for name in ["one", "two", "gone"] { try world.makeTree(name, ["a": "1"]) }
      try await world.run("run", "--once", expecting: 1)
      try FileManager.default.removeItem(atPath: world.scratch("in/gone"))
      let verb = try await world.run("retry", "--failed")
      let trees = verb.lines(.output).compactMap { $0.split(separator: "/").last.map(String.init) }
      #expect(trees.sorted() == ["one", "two"], "\(verb.transcript)")
      #expect(
        try await world.run("retry", "--failed").lines(.output) == ["no run has failed whose tree still lies there"])
      let gone = try await id(of: "gone", world)
      #expect(
        try await world.run("retry", gone, expecting: 1).lines()
          == ["slipway: cannot retry run \(gone): \(world.scratch("in/gone")) is gone"])
    }
  }

  @Test("An unknown run is told with the nearest one, and exit code 64; one that has not failed, with 1")
  func refusals() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      #expect(try await world.run("retry", "--failed", expecting: 78).lines().contains { $0.contains("ledger") })
      #expect(!world.scratch.exists("state"))
      try world.makeTree("t", ["a": "1"])
      try await world.run("run", "--once")
      let run = try await id(of: "t", world)
      let slip = "x" + run.dropFirst()
      for service in [nil, try await world.startService()] {
        for verb in ["retry", "cancel"] {
          #expect(
            try await world.run(verb, slip, expecting: 64).lines()
              == ["slipway: cannot \(verb) run \(slip): the ledger has no such run; did you mean \(run)?"])
        }
        #expect(
          try await world.run("retry", run, expecting: 1).lines()
            == ["slipway: cannot retry run \(run): it is done, and has not failed"])
        #expect(
          try await world.run("cancel", run, expecting: 1).lines()
            == ["slipway: cannot cancel run \(run): it is done already"])
        _ = service
      }
      try await world.run("retry", expecting: 64)
      try await world.run("retry", run, "--failed", expecting: 64)
    }
  }

  @Test("cancel without a service: no hook is run, its multipart upload is ended, what has arrived stays and is told")
  func cancelAlone() async throws {
    let stall = FaultRule(.init(method: "PUT", queryName: "partNumber", occurrences: 2...2), .stall(.beforeEffect))
    try await World.with(.scripted([stall])) { world in
      let server = try #require(world.scripted)
      let log = world.scratch("log")
      try world.configure(
        "hooks: { post: [{ shell: 'echo post >>\(log)', when: always }] }", to: "[store]", settings: "transfers: 1",
        destinations: world.destinations().replacingOccurrences(
          of: "prefix: pre/", with: "prefix: pre/\n    multipart_threshold: 5MiB\n    part_size: 5MiB"))
      try world.makeTree("t", ["a": "1"], ready: false)
      try world.makeTree("t", ["z": String(repeating: "z", count: 6 << 20)])
      let first = try world.start("run", "--once")
      #expect(
        await server.wait { $0.requests.count { $0.queryValue("partNumber") != nil } == 2 }, "\(first.transcript)")
      first.signal(SIGKILL)
      try await first.expectEnd(.signalled(SIGKILL))
      server.removeRules()
      let run = try await id(of: "t", world)
      let verb = try await world.run("cancel", run)
      #expect(verb.lines(.output).first == "run \(run) is cancelled: \(world.scratch("in/t"))", "\(verb.transcript)")
      #expect(server.requests.last?.method == "DELETE", "the multipart upload is aborted")
      let before = server.requests.count
      try await world.run("run", "--once")
      #expect(server.requests.count == before)
      #expect(world.scratch.lines("log") == [])
      #expect(try await world.run("runs", "--json").objects().map { $0["state"] as? String } == ["cancelled"])
    }
  }

  @Test("cancel beside a service stops the hook that is running, and the tree is free for the next run")
  func cancelUnderWay() async throws {
    try await World.with(.none) { world in
      let (log, pid, go) = (world.scratch("log"), world.scratch("pid"), world.scratch("go"))
      try world.configure(
        """
        hooks:
          pre: [{ shell: 'echo $$ >\(pid); test -e \(go) || exec sleep 1000' }]
          post: [{ shell: 'echo post >>\(log)', when: always }]
        """, to: "[copy]")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await eventually { world.scratch.lines("pid").count == 1 }, "\(service.transcript)")
      let hook = try #require(pid_t(world.scratch.lines("pid")[0]))
      let run = try await id(of: "t", world)
      #expect(
        try await world.run("cancel", run).lines(.output) == ["run \(run) is cancelled: \(world.scratch("in/t"))"])
      #expect(!World.isRunning(hook))
      try world.scratch.write("", to: "go")
      try world.scratch.remove("in/t/.ready")
      try world.scratch.write("", to: "in/t/.ready")
      #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
      #expect(world.scratch.lines("log") == ["post"])
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  private func id(of tree: String, _ world: World) async throws -> String {
    let runs = try await world.run("runs", "--json").objects()
    return try #require(runs.first { $0["tree"] as? String == world.scratch("in/\(tree)") }?["run"] as? String)
  }
}

import Foundation
import TestSupport
import Testing

@Suite("push, without a service and beside one", .needsBinary)
struct PushVerbTests {
  /// A workflow whose pre hook does what the tree's name says: `bad` fails, `late` defers, `slow` waits for the file `go`.
  private func configure(_ world: World, _ further: String = "", defer deferral: String = "1h") throws {
    try world.configure(
      """
      hooks:
        pre:
          - shell: |
              echo $SLIPWAY_TREE_NAME >>\(world.scratch("log"))
              case ${SLIPWAY_TREE_NAME##*/} in
                bad*) exit 3;;
                late*) test -e \(world.scratch("go")) || exit 75;;
                slow*) while ! test -e \(world.scratch("go")); do sleep 0.02; done;;
              esac
      retry: { attempts: 2, backoff: 10ms..20ms, defer: \(deferral) }
      \(further)
      """, to: "[copy]")
  }

  private func states(_ world: World) async throws -> [String: String] {
    let runs = try await world.run("runs", "--json").objects()
    let pairs = runs.reversed().compactMap { run -> (String, String)? in
      guard let tree = run["tree"] as? String, let state = run["state"] as? String else { return nil }
      return (String(tree.dropFirst(world.scratch("in/").count)), state)
    }
    return Dictionary(pairs) { $1 }
  }

  @Test("Trees by path and by name, without a marker; nothing else of the workflow", arguments: [false, true])
  func named(besideService: Bool) async throws {
    try await World.with(.none) { world in
      try configure(world)
      let service = besideService ? try await world.startService() : nil
      for name in ["a", "b", "deep/c", "d"] { try world.makeTree(name, ["x": name], ready: false) }
      if service == nil { try world.makeTree("other", ["x": "1"]) }
      try await world.run("push", "w", "in/a", world.scratch("in/b"), "deep/c", "in/a")
      #expect(try await states(world) == ["a": "done", "b": "done", "deep/c": "done"])
      #expect(try world.copies() == ["a/x", "b/x", "deep/c/x"])
      #expect(world.scratch.lines("log").sorted() == ["a", "b", "deep/c"])
      service?.signal(SIGTERM)
      try await service?.expectEnd(.exited(0))
    }
  }

  @Test("A marker that lies there is answered: no second run", arguments: [false, true])
  func marked(besideService: Bool) async throws {
    try await World.with(.none) { world in
      try configure(world, "after: { success: keep }")
      try world.makeTree("a", ["x": "1"])
      try await world.run("push", "w", "a")
      try await world.run("run", "--once")
      #expect(world.scratch.lines("log") == ["a"])
      let service = besideService ? try await world.startService() : nil
      try await world.run("push", "w", "a")
      service?.signal(SIGTERM)
      try await service?.expectEnd(.exited(0))
      try await world.run("run", "--once")
      #expect(world.scratch.lines("log") == ["a", "a"])
    }
  }

  @Test("Without a tree: what is ready, what was deferred for an hour, and what failed", arguments: [false, true])
  func everything(besideService: Bool) async throws {
    try await World.with(.none) { world in
      try configure(world)
      try world.makeTree("late", ["x": "1"])
      try world.makeTree("bad", ["x": "1"])
      var service: Program?
      if besideService {
        let started = try await world.startService()
        for line in ["run failed", "deferred"] {
          #expect(await started.line(containing: line) != nil, "\(started.transcript)")
        }
        service = started
      } else {
        try await world.run("run", "--once", expecting: 1)
      }
      try world.makeTree("unready", ["x": "1"], ready: false)
      try world.makeTree("good", ["x": "1"])
      #expect(try await world.run("push", "w", expecting: 1).lines(.errors).contains { $0.contains("ended with 3") })
      #expect(try await states(world) == ["late": "waiting", "bad": "failed", "good": "done"])
      try world.scratch.remove("in/bad")
      try await world.run("push", "w", expecting: 75)
      try world.scratch.write("", to: "go")
      try await world.run("push", "w")
      #expect(try world.copies() == ["good/x", "late/x"])
      service?.signal(SIGTERM)
      // The service knows that `bad` failed and was not mended.
      try await service?.expectEnd(.exited(1))
    }
  }

  @Test("A tree that fails: 1; one that is deferred: 75; both: 1", arguments: [false, true])
  func outcomes(besideService: Bool) async throws {
    try await World.with(.none) { world in
      try configure(world)
      for name in ["good", "bad", "late", "bad2", "late2"] { try world.makeTree(name, ["x": "1"], ready: false) }
      let service = besideService ? try await world.startService() : nil
      let failed = try await world.run("push", "w", "bad", "good", expecting: 1)
      #expect(failed.lines(.errors).contains { $0.contains("run failed") && $0.contains("in/bad") })
      let late = try await world.run("push", "w", "late", "good", expecting: 75)
      #expect(late.lines(.errors).contains { $0.contains("ended with 75") }, "\(late.transcript)")
      try await world.run("push", "w", "late2", "bad2", expecting: 1)
      try world.scratch.write("", to: "go")
      // Deferred for an hour, and taken now.
      try await world.run("push", "w", "late")
      #expect(try world.copies() == ["good/x", "late/x"])
      service?.signal(SIGTERM)
      try await service?.expectEnd(.exited(1))
    }
  }

  @Test("What is no tree of the workflow is told with what to do, and exit code 64; nothing is made")
  func unknown() async throws {
    try await World.with(.none) { world in
      try configure(world)
      try world.makeTree("a", ["x": "1"], ready: false)
      try world.scratch.write("1", to: "out/x")
      let below = "name a directory below \(world.scratch("in"))."
      for (name, cause) in [
        ("nothing", "nothing does not exist: \(below)"),
        ("out", "out lies under no directory that the workflow 'w' watches: \(below)"),
        (
          "in/a/x",
          "\(world.scratch("in/a/x")) is no directory, and trees of the workflow 'w' are: name the one that "
            + "it lies in."
        ),
        ("no\u{1B}thing", #"no\x1bthing does not exist: "# + below),
      ] {
        let program = try await world.run("push", "w", name, expecting: 64)
        #expect(program.lines(.errors).first == "Error: \(cause)", "\(program.transcript)")
      }
      let program = try await world.run("push", "v", "a", expecting: 64)
      #expect(program.lines(.errors).first == "Error: there is no workflow 'v'; there are w.")
      #expect(!world.scratch.exists("state"))
    }
  }

  @Test(
    "A name that is not UTF-8, and one in the other normal form, are the trees of these bytes",
    arguments: [false, true])
  func bytes(besideService: Bool) async throws {
    try await World.with(.none) { world in
      try configure(world)
      let names: [[UInt8]] = [[0x61, 0xFF], [0x65, 0xCC, 0x81]]
      for name in names + [[0xC3, 0xA9], [0x61, 0xFE]] {
        try world.scratch.write([0x31], toBytes: Array("in/".utf8) + name + Array("/x".utf8))
      }
      let service = besideService ? try await world.startService() : nil
      let binary = try #require(SlipwayBinary.path)
      let script = #"exec "$0" push w "$(printf 'in/a\377')" "$(printf 'e\314\201')""#
      let push = try world.startProgram(["/bin/sh", "-c", script, binary])
      try await push.expectEnd(.exited(0))
      let expected = names.map { $0 + Array("/x".utf8) }
      #expect(try world.scratch.files(below: "outbox") == expected)
      service?.signal(SIGTERM)
      try await service?.expectEnd(.exited(0))
    }
  }

  @Test("A tree in a run is joined, not run again", arguments: [false, true])
  func joins(besideService: Bool) async throws {
    try await World.with(.none) { world in
      try configure(world)
      let first: Program
      if besideService {
        first = try await world.startService()
        try world.makeTree("slow", ["x": "1"])
      } else {
        try world.makeTree("slow", ["x": "1"], ready: false)
        first = try world.start("push", "w", "slow")
      }
      #expect(await eventually { world.scratch.lines("log") == ["slow"] }, "\(first.transcript)")
      let second = try world.start("push", "w", "slow")
      #expect(await second.line(containing: "run preparing") != nil, "\(second.transcript)")
      try world.scratch.write("", to: "go")
      try await second.expectEnd(.exited(0))
      #expect(second.lines(.errors).contains { $0.contains("run done") && $0.contains("copy=\"1 files, 1 B\"") })
      if besideService { first.signal(SIGTERM) }
      try await first.expectEnd(.exited(0))
      #expect(world.scratch.lines("log") == ["slow"])
    }
  }

  @Test("Two pushes at once: the second waits until the first has ended, and each ends by its own trees")
  func two() async throws {
    try await World.with(.none) { world in
      try configure(world)
      for name in ["slow", "bad"] { try world.makeTree(name, ["x": "1"], ready: false) }
      let first = try world.start("push", "w", "slow")
      #expect(await eventually { world.scratch.lines("log") == ["slow"] }, "\(first.transcript)")
      let second = try world.start("push", "w", "bad")
      #expect(
        await second.line(containing: "waiting for process \(first.pid), which has to end first") != nil,
        "\(second.transcript)")
      #expect(world.scratch.lines("log") == ["slow"])
      try world.scratch.write("", to: "go")
      try await first.expectEnd(.exited(0))
      try await second.expectEnd(.exited(1))
      #expect(world.scratch.lines("log") == ["slow", "bad", "bad"])
    }
  }

  @Test("SIGHUP means SIGTERM: what is under way is recorded, and the next push goes on with it")
  func hangUp() async throws {
    try await World.with(.none) { world in
      try configure(world)
      try world.configure(
        "hooks: { pre: [{ shell: 'echo begun >>\(world.scratch("log")); test -e \(world.scratch("go")) || exec sleep 1000' }] }",
        to: "[copy]", settings: "drain: 0s, grace: 0s")
      try world.makeTree("slow", ["x": "1"], ready: false)
      let push = try world.start("push", "w", "slow")
      #expect(await eventually { world.scratch.lines("log").count == 1 }, "\(push.transcript)")
      push.signal(SIGHUP)
      try await push.expectEnd(.exited(75))
      try world.scratch.write("", to: "go")
      try await world.run("push", "w", "slow")
      #expect(try world.copies() == ["slow/x"])
    }
  }

  @Test("A service that ends under it leaves the run unfinished: 75; so does a signal to the push itself")
  func left() async throws {
    try await World.with(.none) { world in
      try world.configure(
        "hooks: { pre: [{ shell: 'echo begun >>\(world.scratch("log")); exec sleep 1000' }] }", to: "[copy]",
        settings: "drain: 0s, grace: 0s")
      let service = try await world.startService()
      try world.makeTree("slow", ["x": "1"], ready: false)
      let push = try world.start("push", "w", "slow")
      #expect(await push.line(containing: "run preparing") != nil, "\(push.transcript)")
      let interrupted = try world.start("push", "w", "slow")
      #expect(await interrupted.line(containing: "run preparing") != nil, "\(interrupted.transcript)")
      interrupted.signal(SIGTERM)
      try await interrupted.expectEnd(.exited(75))
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(75))
      try await push.expectEnd(.exited(75))
    }
  }

  @Test("A run that is cancelled while it is pushed has not been delivered: 1")
  func cancelled() async throws {
    try await World.with(.none) { world in
      try configure(world)
      let service = try await world.startService()
      try world.makeTree("slow", ["x": "1"], ready: false)
      let push = try world.start("push", "w", "slow")
      #expect(await push.line(containing: "run preparing") != nil, "\(push.transcript)")
      let run = try #require(try await world.run("runs", "--json").objects().first?["run"] as? String)
      try await world.run("cancel", run)
      try await push.expectEnd(.exited(1))
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test(
    "A destination that is out is waited for by the service, and uses up a push's attempts", arguments: [false, true])
  func outage(besideService: Bool) async throws {
    try await World.with(.scripted([.every("PUT", "pre/t/a", .answer(status: 403, code: "AccessDenied"))])) { world in
      try world.configure("retry: { attempts: 2, backoff: 10ms..20ms }", to: "[store]")
      try world.makeTree("t", ["a": "1"])
      let service = besideService ? try await world.startService() : nil
      if let service { #expect(await service.line(containing: "is out") != nil, "\(service.transcript)") }
      let push = try await world.run("push", "w", "t", expecting: 1)
      #expect(push.lines(.errors).contains { $0.contains("AccessDenied") }, "\(push.transcript)")
      service?.signal(SIGTERM)
      try await service?.expectEnd(.exited(1))
    }
  }
}

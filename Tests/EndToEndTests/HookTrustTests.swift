import Foundation
import TestSupport
import Testing

@Suite("Hooks that change under a service, and processes that meet", .needsBinary)
struct HookTrustTests {
  @Test("fault 39: one that may no longer be executed fails its run with the reason; put right, retry delivers it")
  func notExecutable() async throws {
    try await World.with(.none) { world in
      let hook = try world.scratch.write("#!/bin/sh\nexec 0<&-\n", to: "hooks/h", executable: true)
      try world.configure("hooks: { pre: [hooks/h] }\nafter: { success: delete }", to: "[copy]")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
      #expect(chmod(hook, 0o644) == 0)
      try world.makeTree("u", ["a": "1"])
      let line = await service.line(containing: "run failed")
      #expect(line?.contains(hook) == true && line?.contains("executable") == true, "\(service.transcript)")
      #expect(try world.copies() == ["t/a"] && world.scratch.exists("in/u/a"))
      #expect(chmod(hook, 0o755) == 0)
      try await world.run("retry", "--failed")
      #expect(await eventually { (try? world.copies()) == ["t/a", "u/a"] }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test("fault 39: a post hook that hangs takes nothing away and sends nothing again; retry starts it alone")
  func postHangs() async throws {
    try await World.with(.scripted([])) { world in
      let pids = world.scratch("pids")
      let hook =
        "echo $$ >>\(pids); (setsid sh -c \"echo \\$\\$ >>\(pids); exec sleep 1000\" &); trap \"\" TERM HUP; test -e \(world.scratch("go")) || sleep 1000"
      let configure = { (limit: String) in
        try world.configure(
          "hooks: { post: [{ shell: '\(hook)', timeout: \(limit) }] }\nafter: { success: delete }\nretry: { attempts: 1 }",
          to: "[store]", settings: "grace: 100ms")
      }
      try configure("5s")
      try world.makeTree("t", ["a": "1", "b": "2"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(program.lines().contains { $0.contains("time limit") }, "\(program.transcript)")
      #expect(world.scratch.exists("in/t/a") && world.putCount() == 2)
      let started = world.scratch.lines("pids").compactMap { pid_t($0) }
      #expect(started.count == 2 && !started.contains(where: World.isRunning), "\(program.transcript)")
      try world.scratch.write("", to: "go")
      // It ends by itself now, however long that takes.
      try configure("60s")
      try await world.run("retry", "--failed")
      try await world.run("run", "--once")
      #expect(world.putCount() == 2 && !world.scratch.exists("in/t"))
      #expect(!world.scratch.lines("pids").compactMap { pid_t($0) }.contains(where: World.isRunning))
    }
  }

  @Test("fault 40: hooks that write into a tree with a standing marker start nothing, not even by a new scan")
  func noLoop() async throws {
    try await World.with(.none) { world in
      let log = world.scratch("log")
      try world.configure(
        """
        hooks:
          pre: [{ shell: 'echo pre $SLIPWAY_TREE_NAME >>\(log); date +%N >stamp; mkdir -p new; date +%N >new/x' }]
          post: [{ shell: 'echo post $SLIPWAY_TREE_NAME >>\(log); date +%N >stamp; rm -r new; touch .' }]
        """, to: "[copy]", settings: "rescan: 1s")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
      // Whoever reads the file again scans everything; a tree that is made after that stands behind what it found.
      service.signal(SIGHUP)
      #expect(
        await eventually { service.lines().count { $0.contains("the workflow file has been read again") } == 1 })
      try world.makeTree("u", ["a": "1"])
      #expect(
        await eventually { service.lines().count { $0.contains("run done") } == 2 }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      try await world.run("run", "--once")
      #expect(world.scratch.lines("log") == ["pre t", "post t", "pre u", "post u"])
      #expect(try world.copies() == ["t/a", "t/new/x", "t/stamp", "u/a", "u/new/x", "u/stamp"])
    }
  }

  @Test("Of processes that start at once on one state directory one runs the hooks; the others end with 75 and name it")
  func together() async throws {
    try await World.with(.none) { world in
      let (lock, log) = (world.scratch("busy"), world.scratch("log"))
      let hook =
        "mkdir \(lock) || echo overlap >>\(log); echo hook >>\(log); until test -e \(world.scratch("go")); do sleep 0.02; done; rmdir \(lock)"
      try world.configure("hooks: { pre: [{ shell: '\(hook)' }] }", to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      let programs = try (0..<5).map { _ in try world.start("run", "--once") }
      #expect(await eventually { programs.count(where: \.hasEnded) == programs.count - 1 })
      let winner = try #require(programs.first { !$0.hasEnded })
      for loser in programs where loser.pid != winner.pid {
        try await loser.expectEnd(.exited(75))
        // In the moment before it has written its number the winner cannot be named.
        let named = [
          "process \(winner.pid) is using it", "another process is using it",
        ].contains { text in loser.lines(.errors).contains { $0.contains(text) } }
        #expect(named && loser.lines().count == 1, "\(loser.transcript)")
      }
      for verb in [["run", "--once"], ["run"]] {
        let later = try world.startProgram([try #require(SlipwayBinary.path)] + verb)
        try await later.expectEnd(.exited(75))
        #expect(
          later.lines(.errors).contains { $0.contains("process \(winner.pid) is using it") }, "\(later.transcript)")
      }
      try world.scratch.write("", to: "go")
      try await winner.expectEnd(.exited(0))
      #expect(world.scratch.lines("log") == ["hook"])
      try await world.run("run", "--once")
      #expect(world.scratch.lines("log") == ["hook"])
    }
  }
}

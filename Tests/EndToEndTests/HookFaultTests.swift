import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("Hooks that misbehave", .needsBinary)
struct HookFaultTests {
  @Test("One that hangs and ignores TERM is killed with all that it started; the run fails and says why")
  func hangs() async throws {
    try await World.with(.none) { world in
      let pids = world.scratch("pids")
      let script = "trap \"\" TERM; echo $$ >>\(pids); sleep 1000 & echo $! >>\(pids); wait; sleep 1000"
      try world.configure(
        "hooks: { pre: [{ shell: '\(script)', timeout: 5s }] }\nretry: { attempts: 1 }", to: "[copy]",
        settings: "grace: 100ms")
      try world.makeTree("t", ["a": "1"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(program.lines().contains { $0.contains("time limit") }, "\(program.transcript)")
      #expect(try world.copies() == [])
      let started = world.scratch.lines("pids").compactMap { pid_t($0) }
      #expect(started.count == 2 && !started.contains(where: World.isRunning))
    }
  }

  @Test("One that floods costs no memory, and the last 64 KiB of it stay in the ledger")
  func floods() async throws {
    try await World.with(.none) { world in
      let peaks = world.scratch("peaks")
      let peak = "grep VmHWM /proc/$PPID/status >>\(peaks)"
      try world.configure(
        "hooks: { post: [{ shell: '\(peak); head -c 1073741824 /dev/zero | tr \"\\000\" x; \(peak); echo end' }] }",
        to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      try await world.run("run", "--once", "-q")
      let kilobytes = world.scratch.lines("peaks").compactMap { $0.split(separator: " ").dropFirst().first }
        .compactMap { Int($0) }
      #expect(kilobytes.count == 2 && kilobytes[1] - kilobytes[0] < 32 * 1024, "\(world.scratch.lines("peaks"))")
      let run = try #require(try await world.run("runs", "--json").objects().first?["run"] as? String)
      let hook = try await world.run("show", run, "--json").objects().first { $0["phase"] != nil }
      let output = try #require(hook?["output"] as? String)
      #expect(output.utf8.count == 65_536 && output.hasSuffix("xend\n"))
    }
  }

  @Test("What has left its session by a double fork does not outlive it")
  func doubleForks() async throws {
    try await World.with(.none) { world in
      let daemon = world.scratch("daemon")
      try world.scratch.write(
        """
        #!/bin/sh
        (setsid sh -c 'echo $$ >\(daemon); exec sleep 1000' >/dev/null 2>&1 </dev/null &)
        until [ -s \(daemon) ]; do sleep 0.01; done

        """, to: "hooks/daemon", executable: true)
      try world.configure("hooks: { pre: [hooks/daemon] }", to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      try await world.run("run", "--once")
      let pid = try #require(world.scratch.lines("daemon").first.flatMap { pid_t($0) })
      #expect(!World.isRunning(pid))
      #expect(try world.copies() == ["t/a"])
    }
  }

  @Test("One that deletes itself has run; the next tree's run fails and names what is missing")
  func deletesItself() async throws {
    try await World.with(.none) { world in
      try world.scratch.write("#!/bin/sh\nrm -- \"$0\"\n", to: "hooks/once", executable: true)
      try world.configure("hooks: { pre: [hooks/once] }", to: "[copy]")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
      try world.makeTree("u", ["a": "1"])
      let line = await service.line(containing: "run failed")
      #expect(line?.contains("no such file: \(world.scratch("hooks/once"))") == true, "\(service.transcript)")
      #expect(try world.copies() == ["t/a"])
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(1))
    }
  }

  @Test(
    "What a pre hook adds, changes and removes is what is uploaded, and starts nothing", arguments: ["keep", "delete"])
  func edits(_ after: String) async throws {
    try await World.with(.none) { world in
      let log = world.scratch("log")
      try world.configure(
        """
        hooks:
          pre: [{ shell: 'echo pre $SLIPWAY_TREE_NAME >>\(log); rm -f gone; echo new >changed; mkdir -p d; echo x >d/added' }]
          post: [{ shell: 'echo post $SLIPWAY_TREE_NAME >>\(log); echo x >by-post' }]
        after: { success: \(after) }
        """, to: "[copy]")
      let service = try await world.startService()
      try world.makeTree("t", ["gone": "1", "changed": "old"])
      #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
      // A second tree stands behind whatever the writes to the first one might have started.
      try world.makeTree("u", ["gone": "1"])
      #expect(
        await eventually { service.lines().filter { $0.contains("run done") }.count == 2 }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      // Where a file has come since the upload, the next attempt begins with the pre hooks; a post hook that has ended
      // well never runs again.
      let starts = ["t", "u"].flatMap { ["pre \($0)", "post \($0)"] + (after == "keep" ? [] : ["pre \($0)"]) }
      #expect(world.scratch.lines("log") == starts, "\(service.transcript)")
      #expect(world.scratch.read("outbox/t/changed") == Array("new\n".utf8))
      let files = try world.copies().filter { $0.hasPrefix("t/") }
      if after == "keep" {
        #expect(files == ["t/changed", "t/d/added"])
        #expect(world.scratch.exists("in/t/by-post"))
      } else {
        #expect(files == ["t/by-post", "t/changed", "t/d/added"], "nothing goes that has not arrived")
        #expect(!world.scratch.exists("in/t"))
      }
    }
  }

  @Test("Hostile names of trees and files reach a hook whole, once each; what it prints steers no terminal")
  func hostileNames() async throws {
    try await World.with(.none) { world in
      let seen = world.scratch("seen")
      try world.configure(
        """
        hooks:
          pre: [{ shell: 'printf "%s\\n" "$SLIPWAY_TREE_NAME"; find . -type f -print' }]
          post:
            - shell: 'cd "$SLIPWAY_TREE" && { printf "%s\\0" "$SLIPWAY_TREE_NAME"; find . -name "f*" -print0; } >>\(seen)'
        """, to: "[copy]", settings: "trees: 1")
      let names = HostileNameTests.names.map { Array($0.utf8) } + [[0x62, 0xFF, 0x64]]
      for name in names {
        try world.scratch.write([1], toBytes: Array("in/".utf8) + name + Array("/f".utf8) + name)
        try world.scratch.write([], toBytes: Array("in/".utf8) + name + Array("/.ready".utf8))
      }
      let program = try await world.run("run", "--once")
      let told = (world.scratch.read("seen") ?? []).split(separator: 0, omittingEmptySubsequences: false).dropLast()
      let expected = names.flatMap { [$0, Array("./f".utf8) + $0] }
      #expect(told.map(Array.init).sorted { $0.precedes($1) } == expected.sorted { $0.precedes($1) })
      let runs = try await world.run("runs", "-n", "100")
      for text in [program.transcript, runs.transcript] {
        #expect(!text.utf8.contains { $0 < 0x20 && $0 != 0x0A || $0 == 0x7F }, "a name steered the terminal")
      }
      let everything = try world.scratch.files(below: "in") + world.scratch.files(below: "state")
      #expect(!everything.contains { BytePath($0).name == BytePath("pwned") } && !world.scratch.exists("pwned"))
    }
  }
}

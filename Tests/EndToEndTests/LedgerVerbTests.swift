import Foundation
import TestSupport
import Testing

@Suite("runs and show, beside a running service", .needsBinary)
struct LedgerVerbTests {
  /// A service that has delivered the tree `good` and failed on the tree `bad`.
  private func withRuns(_ body: (World, Program) async throws -> Void) async throws {
    try await World.with(.none) { world in
      try world.configure(
        """
        hooks:
          pre: [{ shell: 'test ${SLIPWAY_TREE_NAME%/*} = good || { printf "no\\033[m \\"way\\"\\n"; exit 3; }' }]
          post: [{ shell: 'echo end >>\(world.scratch("ends"))', when: always }]
        """, to: "[copy]")
      let service = try await world.startService()
      try world.makeTree("good", ["a": "1", "b/c": "22"])
      try world.makeTree("bad", ["a": "1"])
      #expect(await service.line(containing: "run failed") != nil, "\(service.transcript)")
      #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
      try await body(world, service)
    }
  }

  @Test("The runs, the newest first; by state, by workflow, so many; as lines of JSON")
  func runs() async throws {
    try await withRuns { world, _ in
      let table = try await world.run("runs").lines(.output)
      #expect(table.count == 3 && table.first?.hasPrefix("RUN ") == true, "\(table)")
      #expect(table.contains { $0.contains("done") && $0.hasSuffix(world.scratch("in/good")) })
      #expect(table.contains { $0.contains("failed") && $0.hasSuffix(world.scratch("in/bad")) })

      let all = try await world.run("runs", "--json").objects()
      #expect(Set(all.compactMap { $0["tree"] as? String }) == [world.scratch("in/good"), world.scratch("in/bad")])
      #expect(all.allSatisfy { $0["workflow"] as? String == "w" })
      let failed = try await world.run("runs", "--state", "failed", "--json").objects()
      #expect(failed.map { $0["tree"] as? String } == [world.scratch("in/bad")])
      #expect(failed.first?["outcome"] as? String == "failure" && failed.first?["attempt"] as? Int == 2)
      #expect((failed.first?["error"] as? String)?.contains("ended with 3") == true, "\(failed)")
      #expect(try await world.run("runs", "-n", "1", "--json").objects().count == 1)
      #expect(try await world.run("runs", "--workflow", "other").lines() == ["no runs"])
      try await world.run("runs", "--state", "lost", expecting: 64)
    }
  }

  @Test("One run: its state, its hooks with their output, its files")
  func show() async throws {
    try await withRuns { world, _ in
      let good = try await id(of: "good", world)
      let text = try await world.run("show", good).lines(.output)
      for line in ["run       \(good)", "state     done (success)", "copy: 2 files, 3 B"] {
        #expect(text.contains(line), "\(text)")
      }
      let files = try await world.run("show", good, "--files").lines(.output)
      #expect(files.contains("  b/c -> copy: good/b/c (2 bytes)"), "\(files)")
      let objects = try await world.run("show", good, "--json").objects()
      #expect(objects.first?["run"] as? String == good && objects.first?["state"] as? String == "done")
      #expect(objects.compactMap { $0["phase"] as? String } == ["pre", "post"])
      #expect(objects.compactMap { $0["key"] as? String } == ["good/a", "good/b/c"])
      #expect(objects.compactMap { $0["status"] as? String } == ["proven", "proven"])

      let bad = try await id(of: "bad", world)
      let told = try await world.run("show", bad)
      #expect(told.lines(.output).contains(#"  | no\x1b[m "way""#), "\(told.transcript)")
      let hooks = try await world.run("show", bad, "--json").objects().filter { $0["phase"] != nil }
      #expect(hooks.compactMap { $0["exit_code"] as? Int } == [3, 0], "the last start of each hook")
      #expect(hooks.first?["output"] as? String == "no\u{1B}[m \"way\"\n")
    }
  }

  private func id(of tree: String, _ world: World) async throws -> String {
    let runs = try await world.run("runs", "--json").objects()
    return try #require(runs.first { $0["tree"] as? String == world.scratch("in/\(tree)") }?["run"] as? String)
  }

  @Test("A run that the ledger does not know: a sentence and exit code 1, and nothing on stdout")
  func unknown() async throws {
    try await withRuns { world, _ in
      for name in ["01kaj2m3n4p5q6r7s8t9v0w1x2", "no\u{1B}run"] {
        let program = try await world.run("show", name, expecting: 1)
        let shown = name.replacingOccurrences(of: "\u{1B}", with: #"\x1b"#)
        #expect(
          program.lines() == [
            "slipway: cannot show run \(shown): the ledger has no such run; 'slipway runs' lists them"
          ])
      }
    }
  }

  @Test("The service goes on delivering meanwhile, and the workflow file need not be there")
  func beside() async throws {
    try await withRuns { world, service in
      try FileManager.default.moveItem(atPath: world.scratch("workflows.yaml"), toPath: world.scratch("away"))
      let runs = try await world.run("runs", "--state-dir", "state", "--json").objects()
      #expect(runs.count == 2)
      let refused = try await world.run("runs", expecting: 78)
      #expect(refused.lines(.errors).contains { $0.contains("there is no workflow file") })
      try world.makeTree("good/too", ["z": "1"])
      #expect(await eventually { world.scratch.lines("ends").count >= 3 }, "\(service.transcript)")
      #expect(try world.copies().contains("good/too/z"))
    }
  }

  @Test("Without a service they find the same, and leave every file of the state directory as it was")
  func writeNothing() async throws {
    try await withRuns { world, service in
      let beside = try await world.run("runs", "--json").lines()
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(1))
      let before = try contents(world)
      #expect(try await world.run("runs", "--json").lines() == beside)
      try await world.run("show", try await id(of: "good", world))
      try await world.run("run", "--dry-run")
      #expect(try contents(world) == before)
    }
  }

  private func contents(_ world: World) throws -> [[UInt8]: [UInt8]?] {
    let names = try world.scratch.files(below: "state")
    return Dictionary(uniqueKeysWithValues: names.map { ($0, world.scratch.read(bytes: Array("state/".utf8) + $0)) })
  }

  @Test("A state directory without a ledger is told, and none is made")
  func noLedger() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      let program = try await world.start("runs").expectRefusal()
      #expect(program.contains { $0.contains("ledger") }, "\(program)")
      #expect(!world.scratch.exists("state"))
    }
  }
}

extension Program {
  /// It has ended with an error of its own, on stderr alone: these lines.
  fileprivate func expectRefusal() async throws -> [String] {
    let ending = await end(upTo: World.limit)
    #expect(ending != .exited(0) && lines(.output) == [], "\(transcript)")
    return lines(.errors)
  }
}

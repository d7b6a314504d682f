import Foundation
import TestSupport
import Testing

@Suite("Workflows that only tell", .needsBinary)
struct DryRunWorkflowTests {
  /// Hooks that write their names; only one of each phase says that it runs in a dry run.
  private func hooks(_ world: World) -> String {
    let log = world.scratch("hooks.log")
    func hook(_ name: String, _ rest: String = "") -> String {
      "{ shell: 'echo \(name) $SLIPWAY_DRY_RUN $SLIPWAY_STATUS >>\(log)'\(rest) }"
    }
    return """
      hooks:
        pre: [\(hook("pre")), \(hook("pre-dry", ", dry_run: true"))]
        post: [\(hook("post")), \(hook("post-dry", ", dry_run: true")), \(hook("failed", ", dry_run: true, when: failure"))]
      """
  }

  @Test("In the service it logs the plan of each tree once, sends nothing, and keeps no tree from being uploaded later")
  func service() async throws {
    try await World.with(.scripted([])) { world in
      try world.configure("dry_run: true\nafter: delete\n\(hooks(world))", to: "[store]")
      try world.makeTree("before", ["a": "1"])
      let service = try await world.startService()
      try world.makeTree("t", ["x": "1", ".d/y": "2"])
      for key in ["pre/before/a", "pre/t/x", "pre/t/.d/y"] {
        #expect(await service.line(containing: "-> store: \(key)") != nil, "\(service.transcript)")
      }
      #expect(await eventually { world.scratch.lines("hooks.log").count == 4 }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      let told = service.lines(.errors)
      #expect(told.count { $0.contains("dry run: upload x -> store: pre/t/x") } == 1, "\(service.transcript)")
      #expect(
        told.contains { $0.contains("dry run: post hook shell: echo post ") && $0.contains("not run in a dry run") })
      #expect(
        world.scratch.lines("hooks.log").sorted() == [
          "post-dry 1 success", "post-dry 1 success", "pre-dry 1", "pre-dry 1",
        ])
      #expect(world.putCount() == 0)
      #expect(world.scratch.exists("in/t/x") && world.scratch.exists("in/before/.ready"))
      #expect(try await world.run("runs").lines(.output).count <= 1, "no run stands in the ledger")

      try world.configure("after: delete", to: "[store]")
      try await world.run("run", "--once")
      #expect(try await world.keys() == ["pre/before/a", "pre/t/.d/y", "pre/t/x"])
      #expect(!world.scratch.exists("in/t"))
    }
  }

  @Test(
    "Beside others, which work; and what has been delivered before is not told again",
    arguments: ["{ marker: .ready }", "closed", "{ settled: 50ms }"])
  func beside(_ ready: String) async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]", ready: ready)
      try world.makeTree("old", ["a": "1"])
      try await world.run("run", "--once")
      try world.scratch.makeDirectory("live")
      try world.configure("dry_run: true", to: "[copy]", ready: ready)
      let file = String(decoding: try #require(world.scratch.read("workflows.yaml")), as: UTF8.self)
      try world.scratch.write(
        file + "\n  live: { watch: ./live, ready: closed, destinations: [copy], target_prefix: live }\n",
        to: "workflows.yaml")
      try world.makeTree("new", ["b": "1"])
      try world.scratch.write("1", to: "live/c")
      for _ in 0..<2 {
        let run = try await world.run("run", "--once")
        let told = run.lines(.errors).filter { $0.contains("dry run: upload ") }
        #expect(
          told.count { $0.contains("new/b") } == 1 && !told.contains { $0.contains("old/a") }, "\(run.transcript)")
      }
      #expect(try world.copies().filter { !$0.hasSuffix(".ready") } == ["live/c", "old/a"])
    }
  }

  @Test("The flags win both ways")
  func flags() async throws {
    try await World.with(.none) { world in
      try world.configure("dry_run: true", to: "[copy]")
      try world.makeTree("t", ["x": "1"])
      let dry = try await world.run("run", "--dry-run")
      #expect(dry.lines(.output).contains("  upload x -> copy: t/x"), "\(dry.transcript)")
      try await world.run("run", "--once")
      #expect(try world.copies() == [])
      try await world.run("run", "--once", "--no-dry-run")
      #expect(try world.copies() == ["t/x"])
      try world.configure(to: "[copy]")
      try world.makeTree("u", ["x": "1"])
      try await world.run("run", "--once", "--dry-run")
      #expect(try world.copies() == ["t/x"])
    }
  }

  @Test("Trees of it count, stop markers end it, and a tree that could not be planned makes the exit code 1")
  func ending() async throws {
    try await World.with(.none) { world in
      try world.configure("dry_run: true\nstop: { count: 2 }\ncommit: manifest", to: "[copy]")
      let service = try world.start("run")
      try world.makeTree("good", ["x": "1"])
      try world.makeTree("bad", ["manifest.json": "1"])
      try await service.expectEnd(.exited(1))
      try world.configure("dry_run: true\nstop: { marker: .complete }", to: "[copy]")
      try world.scratch.write("", to: "in/.complete")
      try await world.run("run")
      #expect(try world.copies() == [])
    }
  }

  @Test("What an earlier process left of it stays as it is; push and a retry by the service are refused")
  func left() async throws {
    try await World.with(.none) { world in
      try world.configure("hooks: { post: [{ shell: 'exit 1' }] }", to: "[copy]")
      try world.makeTree("t", ["x": "1"])
      try await world.run("run", "--once", expecting: 1)
      let failed = try #require(try await world.run("runs", "--json").objects().first?["run"] as? String)
      try world.configure("dry_run: true", to: "[copy]")
      let refused = try await world.run("push", "w", expecting: 78)
      #expect(
        refused.lines(.errors) == ["slipway: the workflow 'w' has 'dry_run: true', and sends nothing"],
        "\(refused.transcript)")
      let service = try await world.startService()
      let retry = try await world.run("retry", failed, expecting: 1)
      #expect(retry.lines(.errors).first?.contains("it has 'dry_run: true'") == true, "\(retry.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(try await world.run("runs", "--json").objects().first?["state"] as? String == "failed")
    }
  }

  @Test("--fail-rate tells a share of the uploads as failed and runs the hooks for failures; only with --dry-run")
  func failRate() async throws {
    try await World.with(.none) { world in
      try world.configure(hooks(world), to: "[copy]")
      try world.makeTree("t", Dictionary(uniqueKeysWithValues: (0..<200).map { ("f\($0)", "1") }))
      let half = try await world.run("run", "--dry-run", "--fail-rate", "0.5", expecting: 1).lines(.output)
      let failed = half.filter { $0.hasPrefix("  fail f") && $0.hasSuffix(" (as --fail-rate says)") }.count
      let sent = half.filter { $0.hasPrefix("  upload f") }.count
      // Out of 200 tries at 1/2, fewer than 40 come once in 10¹⁷ times.
      #expect(failed + sent == 200 && failed > 40 && sent > 40, "\(failed) and \(sent)")
      #expect(world.scratch.lines("hooks.log") == ["pre-dry 1", "failed 1 failure"])
      let all = try await world.run("run", "--dry-run", "--fail-rate", "1", expecting: 1).lines(.output)
      #expect(all.count { $0.hasPrefix("  fail f") } == 200)
      try await world.run("run", "--dry-run", "--fail-rate", "0")
      for options in [
        ["--fail-rate", "0.5"], ["--no-dry-run", "--fail-rate", "0.5"], ["--dry-run", "--fail-rate", "1.5"],
      ] {
        let usage = try world.start("run", options[0], options[1], options.count > 2 ? options[2] : "--once")
        try await usage.expectEnd(.exited(64))
      }
      #expect(try world.copies() == [])
    }
  }
}

import Foundation
import TestSupport
import Testing

@Suite("status, beside a running service and without one", .needsBinary)
struct StatusVerbTests {
  private func runs(_ status: [String: Any], _ group: String) throws -> [[String: Any]] {
    let group = try #require(status[group] as? [String: Any])
    let runs = try #require(group["runs"] as? [[String: Any]])
    #expect(group["count"] as? Int == runs.count)
    return runs
  }

  @Test("What is under way, waits, has failed and is done; who runs; then the same without a service")
  func groups() async throws {
    try await World.with(.none) { world in
      try world.configure(
        """
        hooks:
          pre:
            - shell: |
                case $SLIPWAY_TREE_NAME in
                  bad*) exit 3;;
                  late) exit 75;;
                  long) touch \(world.scratch("begun")); exec sleep 1000;;
                esac
        retry: { attempts: 1, defer: 1h }
        """, to: "[copy]")
      let service = try await world.startService()
      for name in ["good", "bad\u{1B}", "late", "long"] { try world.makeTree(name, ["a": "1"]) }
      for line in ["run failed", "run done", "deferred"] {
        #expect(await service.line(containing: line) != nil, "\(service.transcript)")
      }
      #expect(await eventually { world.scratch.exists("begun") }, "\(service.transcript)")

      let objects = try await world.run("status", "--json").objects()
      #expect(objects[0]["running"] as? Bool == true && objects[0]["pid"] as? Int == Int(service.pid))
      #expect(objects[0]["state_dir"] as? String == world.scratch("state"))
      #expect(objects.count == 2 && objects[1]["workflow"] as? String == "w")
      for (group, tree) in [("under_way", "long"), ("waiting", "late"), ("failed", "bad\u{1B}"), ("done", "good")] {
        let found = try runs(objects[1], group)
        #expect(found.map { $0["tree"] as? String } == [world.scratch("in/\(tree)")], "\(group)")
      }
      let text = try await world.run("status").lines(.output)
      #expect(text[0] == "process \(service.pid) is under way in \(world.scratch("state"))")
      #expect(text[1] == "w: 1 under way, 1 waiting, 1 failed, 1 done lately")
      #expect(text.contains { $0.contains("waiting") && $0.contains("until 2") && $0.hasSuffix("ended with 75") })
      #expect(text.contains { $0.contains(#"in/bad\x1b  "#) && $0.hasSuffix("ended with 3") }, "\(text)")
      #expect(text.count == 6)

      service.signal(SIGTERM)
      service.signal(SIGTERM)
      _ = await service.end(upTo: World.limit)
      let alone = try await world.run("status", "--state-dir", "state", "-n", "0").lines(.output)
      #expect(
        alone == [
          "no process is under way in \(world.scratch("state"))", "w: 1 under way, 1 waiting, 1 failed, 1 done lately",
        ])
    }
  }

  @Test("A destination that is out is told, since when and why")
  func outage() async throws {
    try await World.with(.scripted([.every("PUT", "pre/t/a", .answer(status: 403, code: "AccessDenied"))])) { world in
      try world.configure("retry: { attempts: 8, backoff: 1h..1h }", to: "[store]")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await service.line(containing: "is out") != nil, "\(service.transcript)")
      let out = try await world.run("status", "--json").objects()[0]["out"] as? [[String: Any]]
      #expect(out?.count == 1 && out?.first?["destination"] as? String == "store")
      #expect((out?.first?["why"] as? String)?.contains("AccessDenied") == true, "\(out ?? [])")
      let text = try await world.run("status").lines(.output)
      #expect(text.contains { $0.hasPrefix("  out        store since 2") }, "\(text)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(75))
    }
  }

  @Test("A watched directory that goes is told, and no longer once it is there again")
  func gone() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      let service = try await world.startService()
      #expect(try await world.run("status", "--json").objects()[0]["health"] as? String == "ok")
      #expect(rename(world.scratch("in"), world.scratch("elsewhere")) == 0)
      #expect(await service.line(containing: "is gone") != nil, "\(service.transcript)")
      let head = try await world.run("status", "--json").objects()[0]
      let watches = try #require(head["watches"] as? [[String: Any]])
      #expect(head["health"] as? String == "degraded" && watches.count == 1)
      #expect(watches[0]["path"] as? String == world.scratch("in") && watches[0]["gone"] as? Bool == true)
      let text = try await world.run("status").lines(.output)
      #expect(text[1] == "  gone       \(world.scratch("in")): it is looked for until it is there again")
      #expect(rename(world.scratch("elsewhere"), world.scratch("in")) == 0)
      var health: String?
      for _ in 0..<1_000 where health != "ok" {
        health = try await world.run("status", "--json").objects()[0]["health"] as? String
      }
      #expect(health == "ok", "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test("Before the first start the file's workflows have nothing, and nothing is made")
  func nothing() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      let text = try await world.run("status").lines(.output)
      #expect(text == ["no process is under way in \(world.scratch("state"))", "w: nothing"])
      try await world.run("status", "--state-dir", "nowhere", expecting: 78)
      #expect(!world.scratch.exists("state") && !world.scratch.exists("nowhere"))
    }
  }
}

import Foundation
import TestSupport
import Testing

@Suite("Trees that always fail", .needsBinary)
struct PoisonTests {
  @Test("They hold nobody up: with two at once all others arrive while those wait between their attempts")
  func holdNobodyUp() async throws {
    let refused = FaultRule.every("PUT", "pre/poison-b/", .answer(status: 400, code: "InvalidArgument"))
    let broken = FaultRule.every("PUT", "pre/poison-c/c", .html(status: 200))
    try await World.with(.scripted([refused, broken])) { world in
      let server = try #require(world.scripted)
      let log = world.scratch("log")
      try world.configure(
        """
        hooks:
          pre: [{ shell: 'case $SLIPWAY_TREE_NAME in poison-a) exit 1;; poison-d) exit 75;; esac' }]
          post: [{ shell: 'echo $SLIPWAY_TREE_NAME >>\(log)' }]
        retry: { attempts: 1000, backoff: 1h..1h, defer: 1h }
        """, to: "[store]", settings: "trees: 2")
      let poison = ["a", "b", "c", "d", "e"].map { "poison-\($0)" }
      let good = (10..<60).map { "t\($0)" }
      for tree in poison { try world.makeTree(tree, ["a": "1", "c": "3"]) }
      #expect(chmod(world.scratch("in/poison-e/a"), 0) == 0)
      let service = try world.start("run", wrapper: World.withoutPrivilege)
      #expect(
        await eventually { service.lines().count { $0.contains("again in") } >= 2 }, "\(service.transcript)")
      for tree in good { try world.makeTree(tree, ["a": "1", "b": "2"]) }
      #expect(await eventually { Set(world.scratch.lines("log")).isSuperset(of: good) }, "\(service.transcript)")
      #expect(world.scratch.lines("log").sorted() == good)
      for tree in good { #expect(server.object("pre/\(tree)/b", in: world.bucket) != nil) }
      let states = Dictionary(
        try await world.run("runs", "-n", "100", "--json").objects().map {
          ($0["tree"] as? String ?? "", $0["state"] as? String ?? "")
        }, uniquingKeysWith: { $1 })
      #expect(
        poison.map { states[world.scratch("in/\($0)")] } == ["waiting", "failed", "waiting", "waiting", "failed"],
        "\(states)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(1))
    }
  }

  @Test("One that is tried over and over takes no place from the others, and arrives when it is put right")
  func overAndOver() async throws {
    try await World.with(.none) { world in
      let hook = "test $SLIPWAY_TREE_NAME != poison || test -e \(world.scratch("go"))"
      try world.configure(
        "hooks: { pre: [{ shell: '\(hook)' }] }\nretry: { attempts: 1000, backoff: 200ms..400ms }", to: "[copy]",
        settings: "trees: 2")
      try world.makeTree("poison", ["a": "1"])
      let service = try await world.startService()
      #expect(
        await eventually { service.lines().count { $0.contains("again in") } >= 2 }, "\(service.transcript)")
      let good = (10..<60).map { "t\($0)" }
      for tree in good { try world.makeTree(tree, ["a": "1"]) }
      #expect(
        await eventually { good.allSatisfy { world.scratch.exists("outbox/\($0)/a") } }, "\(service.transcript)")
      #expect(!world.scratch.exists("outbox/poison/a"))
      try world.scratch.write("", to: "go")
      #expect(
        await eventually { service.lines().count { $0.contains("run done") } == good.count + 1 },
        "\(service.transcript)")
      #expect(world.scratch.exists("outbox/poison/a"))
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }
}

import Checksums
import Glibc
import SlipwayModel
import TestSupport
import Testing

/// The real binary over a queue, ended by SIGKILL at each point between two effects and started again (fault 10).
@Suite("Crash points of a queue", .needsBinary)
struct QueueCrashTests {
  enum Next: String, CaseIterable {
    /// The process that died is started again.
    case itself
    /// Another one, with a ledger of its own, comes first.
    case another
  }

  @Test(
    "fault 10: killed before or after any effect, every file arrives, and none is left",
    arguments: ["./completed", "delete"], Next.allCases)
  func converges(completed: String, next: Next) async throws {
    try await World.with(.scripted([])) { world in
      try world.configureQueue(to: "[store, copy]", completed: completed)
      let points = try await pointsOfAnUndisturbedRun(world, "first")
      #expect(points.count > 10, "\(points)")
      for (number, point) in points.enumerated() {
        try write("t\(number)", in: world)
        let killed = try world.start("run", "--once", environment: ["SLIPWAY_CRASH_AT": point])
        let ending = await killed.end()
        #expect(ending == .signalled(SIGKILL) || ending == .exited(0), "\(point): \(killed.transcript)")
        if next == .another { try await world.run("run", "--once", environment: ["WORKER": "2"]) }
        try await world.run("run", "--once")
        #expect(world.scratch.children("in") == [] && world.scratch.children("working") == [], "\(point)")
      }
      try await expectDelivered(world, ["first"] + points.indices.map { "t\($0)" }, isKept: completed != "delete")
    }
  }

  @Test("fault 10: so does a file with hooks, whose post hook is told at least once")
  func hooks() async throws {
    try await World.with(.scripted([])) { world in
      try world.configureQueue(
        """
        hooks:
          pre: [{ shell: 'echo sum >>"$SLIPWAY_TREE"' }]
          post: [{ shell: 'echo "$SLIPWAY_TREE_NAME" >>../told' }]
        """, to: "[copy]")
      try world.scratch.write("0", to: "in/first")
      try await world.run("run", "--once", environment: ["SLIPWAY_CRASH_LOG": world.scratch("points")])
      let points = world.scratch.lines("points")
      for (number, point) in points.enumerated() {
        try world.scratch.write("1", to: "in/t\(number)")
        let killed = try world.start("run", "--once", environment: ["SLIPWAY_CRASH_AT": point])
        let ending = await killed.end()
        #expect(ending == .signalled(SIGKILL) || ending == .exited(0), "\(point): \(killed.transcript)")
        try await world.run("run", "--once")
        #expect(world.scratch.exists("completed/t\(number)"), "\(point)")
        #expect(world.scratch.lines("told").contains("t\(number)"), "\(point)")
        // What was delivered is what lies there.
        #expect(world.scratch.read("outbox/t\(number)") == world.scratch.read("completed/t\(number)"), "\(point)")
      }
      #expect(world.scratch.children("in") == [] && world.scratch.children("working") == [])
    }
  }

  @Test("fault 10: so do files that share their hooks, and each is told of at least once")
  func sharedHooks() async throws {
    try await World.with(.scripted([])) { world in
      let names = #"sed -n '/^{"run"/s/.*"path":"\(.*\)"}.*/\1/p'"#
      try world.configureQueue(
        """
        hooks:
          pre:
            - shell: |
                \(names) | while read -r file; do echo sum >>"$file"; done
          post:
            - shell: |
                \(names) >>../told
        """, to: "[copy]", batch: 8)
      let points = try await pointsOfAnUndisturbedRun(world, "first")
      #expect(points.count > 10, "\(points)")
      #expect(world.scratch.lines("told") == ["a", "b"].map { world.scratch("working/first\($0)") })
      for (number, point) in points.enumerated() {
        try write("t\(number)", in: world)
        let killed = try world.start("run", "--once", environment: ["SLIPWAY_CRASH_AT": point])
        let ending = await killed.end()
        #expect(ending == .signalled(SIGKILL) || ending == .exited(0), "\(point): \(killed.transcript)")
        try await world.run("run", "--once")
        for name in ["t\(number)a", "t\(number)b"] {
          #expect(world.scratch.lines("told").contains(world.scratch("working/\(name)")), "\(point)")
          let content = try #require(world.scratch.read("completed/\(name)"), "\(point)")
          #expect(String(decoding: content, as: UTF8.self).contains("sum\n"), "\(point)")
          #expect(world.scratch.read("outbox/\(name)") == content, "\(point)")
        }
      }
      #expect(world.scratch.children("in") == [] && world.scratch.children("working") == [])
    }
  }

  private func write(_ name: String, in world: World) throws {
    for part in ["a", "b"] { try world.scratch.write("\(part) of \(name)", to: "in/\(name)\(part)") }
  }

  /// Each with the number of its passage.
  private func pointsOfAnUndisturbedRun(_ world: World, _ name: String) async throws -> [String] {
    try write(name, in: world)
    try await world.run("run", "--once", environment: ["SLIPWAY_CRASH_LOG": world.scratch("points")])
    return world.scratch.lines("points")
  }

  private func expectDelivered(_ world: World, _ names: [String], isKept: Bool) async throws {
    var expected: [String: String] = [:]
    for name in names {
      for part in ["a", "b"] {
        let content = Array("\(part) of \(name)".utf8)
        expected["\(name)\(part)"] = hexadecimal(try MessageDigest.of(content, by: .md5))
        #expect(world.scratch.read("outbox/\(name)\(part)") == content)
      }
    }
    #expect(try await world.reader.digests(world.bucket, prefix: "pre/") == expected)
    #expect(Set(world.scratch.children("completed")) == (isKept ? Set(expected.keys) : []))
  }
}

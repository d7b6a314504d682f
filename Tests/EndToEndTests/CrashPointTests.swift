import Checksums
import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

/// The real binary, ended by SIGKILL at each point between two effects and started again (fault 10).
@Suite("Crash points", .needsBinary)
struct CrashPointTests {
  @Test("fault 10: killed before or after any effect, and started again, it converges", arguments: CrashScene.all)
  func convergesFromEach(scene: CrashScene) async throws {
    try await World.with { world in
      try scene.configure(world)
      let points = try await scene.pointsOfAnUndisturbedRun(world)
      #expect(points.count > 30, "\(points)")
      for (number, point) in points.enumerated() {
        try scene.makeTree("t\(number)", in: world)
        let killed = try world.start("run", "--once", environment: ["SLIPWAY_CRASH_AT": point])
        let ending = await killed.end()
        // A point may be passed less often than in the first run, where its number depends on how requests interleave.
        #expect(ending == .signalled(SIGKILL) || ending == .exited(0), "\(point): \(killed.transcript)")
        try await world.run("run", "--once")
        try scene.expectTold("t\(number)", in: world, after: point)
      }
      try await scene.expectDelivered(world, ["first"] + points.indices.map { "t\($0)" })
      try await scene.expectNothingLeft(world)
    }
  }

  @Test("a crash point that is never passed changes nothing")
  func harmless() async throws {
    try await World.with(.scripted([])) { world in
      try world.configure(to: "[store]")
      try world.makeTree("t", ["a": "1"])
      try await world.run("run", "--once", environment: ["SLIPWAY_CRASH_AT": "no.such.point:1"])
      #expect(try await world.keys() == ["pre/t/a"])
    }
  }
}

/// What is crashed: a workflow, and what its trees must have become.
struct CrashScene: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let lines: String
  let destinations: String
  /// Whether the tree is taken away once it is delivered.
  let disposes: Bool
  var hasManifest = false

  static let all = [
    CrashScene(
      testDescription: "hooks, two destinations, parts, then delete", lines: "after: { success: delete }",
      destinations: "[store, copy]", disposes: true),
    CrashScene(
      testDescription: "a manifest last, then move", lines: "commit: manifest\nafter: { success: { move: ./done } }",
      destinations: "[store]", disposes: true, hasManifest: true),
    CrashScene(
      testDescription: "overwrite never, kept", lines: "after: { success: keep }", destinations: "[store]",
      disposes: false),
  ]

  /// In bytes: one part and a bit.
  private static let largeSize = (5 << 20) + 3

  func configure(_ world: World) throws {
    let options = "    multipart_threshold: 5MiB\n    part_size: 5MiB\n" + (disposes ? "" : "    overwrite: never\n")
    let hooks = """
      hooks:
        pre: [{ shell: 'echo sum >SUM' }]
        post: [{ shell: 'echo "$SLIPWAY_TREE_NAME $SLIPWAY_RUN_ID $SLIPWAY_STATUS" >>\(world.scratch("told"))' }]

      """
    try world.configure(
      hooks + lines, to: destinations,
      destinations: world.destinations().replacing("    prefix: pre/\n", with: "    prefix: pre/\n" + options))
  }

  func makeTree(_ name: String, in world: World) throws {
    try world.makeTree(name, ["a": "a of \(name)", "b/c": "c of \(name)"], ready: false)
    try world.scratch.write(large(name), toBytes: Array("in/\(name)/large".utf8))
    try world.scratch.write("", to: "in/\(name)/.ready")
  }

  private func large(_ name: String) -> [UInt8] {
    [UInt8](repeating: 0x61, count: Self.largeSize - name.utf8.count) + Array(name.utf8)
  }

  /// Each with the number of its passage.
  func pointsOfAnUndisturbedRun(_ world: World) async throws -> [String] {
    try makeTree("first", in: world)
    try await world.run("run", "--once", environment: ["SLIPWAY_CRASH_LOG": world.scratch("points")])
    try expectTold("first", in: world, after: "no point")
    return world.scratch.lines("points")
  }

  /// The post hook was told of the one run's success, and the tree is where `after` wants it.
  func expectTold(_ tree: String, in world: World, after point: String) throws {
    let told = world.scratch.lines("told").filter { $0.hasPrefix(tree + " ") }
    #expect(Set(told).count == 1 && told.allSatisfy { $0.hasSuffix(" success") }, "\(point): \(told)")
    // Twice only where the process died after the hook, and before that was written down.
    #expect(told.count == 1 || (told.count == 2 && Self.mayRepeatTheHook(point)), "\(point): \(told)")
    #expect(world.scratch.exists("in/\(tree)") != disposes, "\(point)")
  }

  private static func mayRepeatTheHook(_ point: String) -> Bool {
    ["hook.after", "ledger.commit.before"].contains { point.hasPrefix($0) }
  }

  /// Every file of every tree has an equal object, by another client, and there is nothing else.
  func expectDelivered(_ world: World, _ trees: [String]) async throws {
    var expected: [String: String] = [:]
    for tree in trees {
      for (path, content) in contents(tree) {
        expected["\(tree)/\(path)"] = hexadecimal(try MessageDigest.of(content, by: .md5))
      }
    }
    var stored = try await world.reader.digests(world.bucket, prefix: "pre/")
    if hasManifest {
      for tree in trees { #expect(stored.removeValue(forKey: "\(tree)/manifest.json") != nil, "\(tree)") }
    }
    #expect(stored == expected)
    guard destinations.contains("copy") else { return }
    #expect(Set(try world.copies()) == Set(expected.keys))
    for tree in trees {
      for (path, content) in contents(tree) {
        // Not as one expectation: what differs by megabytes would be told, and compared byte by byte for that.
        let isEqual = world.scratch.read("outbox/\(tree)/\(path)") == content
        #expect(isEqual, "\(tree)/\(path)")
      }
    }
  }

  private func contents(_ tree: String) -> [String: [UInt8]] {
    [
      "a": Array("a of \(tree)".utf8), "b/c": Array("c of \(tree)".utf8), "large": large(tree),
      "SUM": Array("sum\n".utf8),
    ]
  }

  /// No multipart upload, no file of a run; and another start has nothing to do.
  func expectNothingLeft(_ world: World) async throws {
    #expect(try await world.reader.unfinishedUploads(world.bucket) == [])
    #expect(world.scratch.children("state/runs") == [])
    let last = try await world.run("run", "--once")
    #expect(!last.lines().contains { $0.contains("run started") || $0.contains("run goes on") }, "\(last.transcript)")
  }
}

import Checksums
import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

/// For how long; nil without `Tests/run --soak`.
private let soakDuration = ProcessInfo.processInfo.environment["SLIPWAY_TEST_SOAK"].flatMap { Double($0) }.map {
  Duration.seconds($0 * 60)
}

/// Kills at random, under a churn of producers, for as long as it is asked to: `Tests/run --soak MINUTES`.
@Suite("Soak", .needsBinary, .enabled(if: soakDuration != nil, "only with Tests/run --soak MINUTES"))
struct SoakTests {
  private static let keptTrees = 6

  @Test("nothing is lost, whenever it is killed")
  func survives() async throws {
    let duration = try #require(soakDuration)
    try await World.with { world in
      try Self.configure(world)
      let deadline = ContinuousClock.now + duration
      let kept = (0..<Self.keptTrees).map { KeptTree(name: "k\($0)", world: world) }
      let sent = Guarded<[String: [String: String]]>([:])
      var kills = 0
      try await withThrowingTaskGroup { group in
        for tree in kept { group.addTask { try await tree.churn(until: deadline) } }
        group.addTask { try await Self.send(from: world, until: deadline, noting: sent) }
        kills = try await Self.killAgainAndAgain(world, until: deadline)
        try await group.waitForAll()
      }
      for tree in kept { try tree.markReady() }
      try await Self.settle(world)
      try await Self.expectKept(kept, in: world)
      try await Self.expectSent(sent.value, in: world)
      try await Self.expectNothingLeft(world)
      let runs = try await world.run("runs", "--json", "--limit", "1000000").lines(.output).count
      print("soak: \(kills) kills, \(runs) runs, \(sent.value.count) trees sent and deleted, \(kept.count) kept")
    }
  }

  private static func configure(_ world: World) throws {
    try world.scratch.makeDirectory("kept")
    let options = "    prefix: pre/\n    multipart_threshold: 5MiB\n    part_size: 5MiB\n"
    let told =
      "'echo \"$SLIPWAY_WORKFLOW $SLIPWAY_TREE_NAME $SLIPWAY_RUN_ID $SLIPWAY_STATUS\" >>\(world.scratch("told"))'"
    let rest = """
          destinations: [store, copy]
          retry: { attempts: 6, backoff: 20ms..200ms }
          hooks:
            pre: [{ shell: 'echo sum >SUM' }]
            post: [{ shell: \(told) }]

      """
    try world.scratch.write(
      """
      version: 1
      settings: { state_dir: ./state, trees: 4, transfers: 16, grace: 1s, drain: 2s }
      \(world.destinations().replacing("    prefix: pre/\n", with: options))workflows:
        sent:
          watch: ./in
          target_prefix: sent/
          ready: { marker: .ready }
          after: { success: delete }
      \(rest)  kept:
          watch: ./kept
          target_prefix: kept/
          ready: { marker: .ready }
      \(rest)
      """, to: "workflows.yaml")
  }

  /// One process after the other, each killed after another time; now and then asked to end instead.
  private static func killAgainAndAgain(_ world: World, until deadline: ContinuousClock.Instant) async throws -> Int {
    var kills = 0
    while ContinuousClock.now < deadline {
      let isOnce = Int.random(in: 0..<4) == 0
      let program = try isOnce ? world.start("run", "--once", "-q") : world.start("run", "-q")
      try await Task.sleep(for: .milliseconds(Int.random(in: 20...2500)))
      let asksFirst = Int.random(in: 0..<8) == 0
      program.signal(asksFirst ? SIGTERM : SIGKILL)
      let ending = try #require(await program.end(), "it did not end: \(program.transcript)")
      if ending == .signalled(SIGKILL) { kills += 1 }
      // 1: a run failed whose files changed at each attempt; 75: something was left to do. SIGTERM ends a process that
      // has not come to listen to signals yet.
      let endings: [Program.Ending] = [.signalled(SIGKILL), .signalled(SIGTERM), .exited(0), .exited(1), .exited(75)]
      #expect(endings.contains(ending), "\(program.transcript)")
    }
    return kills
  }

  /// New trees, one after the other, of which it is noted what they hold.
  private static func send(
    from world: World, until deadline: ContinuousClock.Instant, noting sent: Guarded<[String: [String: String]]>
  ) async throws {
    var number = 0
    while ContinuousClock.now < deadline {
      number += 1
      var digests: [String: String] = ["SUM": try digest(Array("sum\n".utf8))]
      for file in 0..<Int.random(in: 0...12) {
        let content = randomContent(number.isMultiple(of: 25) && file == 0 ? (5 << 20) + 11 : Int.random(in: 0...9000))
        let path = Bool.random() ? "f\(file)" : "d\(file % 3)/e/f\(file)"
        try world.scratch.write(content, toBytes: Array("in/s\(number)/\(path)".utf8))
        digests[path] = try digest(content)
      }
      try world.scratch.makeDirectory("in/s\(number)")
      let noted = digests
      sent.change { $0["s\(number)"] = noted }
      try world.scratch.write("", to: "in/s\(number)/.ready")
      try await Task.sleep(for: .milliseconds(Int.random(in: 0...150)))
    }
  }

  /// What waits is worked to its end; a run that failed under the churn is taken again.
  private static func settle(_ world: World) async throws {
    let last = try world.start("run", "--once")
    let ending = await last.end(upTo: .seconds(600))
    #expect(ending == .exited(0), "\(last.transcript)")
  }

  // MARK: What must hold

  /// Every file that lies in a kept tree has an equal object and an equal copy.
  private static func expectKept(_ trees: [KeptTree], in world: World) async throws {
    let stored = try await world.reader.digests(world.bucket, prefix: "pre/kept/")
    for tree in trees {
      let files = try world.scratch.files(below: tree.directory).map { String(decoding: $0, as: UTF8.self) }
      for path in files where path != ".ready" {
        let content = try #require(world.scratch.read("\(tree.directory)/\(path)"))
        let expected = try digest(content)
        #expect(stored["\(tree.name)/\(path)"] == expected, "\(tree.name)/\(path)")
        #expect(world.scratch.read("outbox/kept/\(tree.name)/\(path)") == content, "\(tree.name)/\(path)")
      }
    }
  }

  /// Every tree that was sent has arrived whole, is gone here, and its hook was told so, of one run.
  private static func expectSent(_ trees: [String: [String: String]], in world: World) async throws {
    var expected: [String: String] = [:]
    for (tree, files) in trees { for (path, digest) in files { expected["\(tree)/\(path)"] = digest } }
    let stored = try await world.reader.digests(world.bucket, prefix: "pre/sent/")
    #expect(stored == expected)
    #expect(Set(try world.copies().filter { $0.hasPrefix("sent/") }) == Set(expected.keys.map { "sent/" + $0 }))
    #expect(world.scratch.children("in") == [])
    var told: [String: Set<String>] = [:]
    for line in world.scratch.lines("told") where line.hasPrefix("sent ") {
      let words = line.split(separator: " ").map(String.init)
      #expect(words.count == 4 && words[3] == "success", "\(line)")
      if words.count == 4 { told[words[1], default: []].insert(words[2]) }
    }
    #expect(Set(told.keys) == Set(trees.keys))
    #expect(told.values.allSatisfy { $0.count == 1 }, "a tree was delivered by two runs: \(told)")
  }

  private static func expectNothingLeft(_ world: World) async throws {
    #expect(try await world.reader.unfinishedUploads(world.bucket) == [])
    #expect(world.scratch.children("state/runs") == [])
    #expect(try world.scratch.files(below: "outbox").allSatisfy { !$0.starts(with: Array(".slipway".utf8)) })
    let again = try await world.run("run", "--once")
    #expect(!again.lines().contains { $0.contains("run started") || $0.contains("run goes on") }, "\(again.transcript)")
  }
}

func digest(_ content: [UInt8]) throws -> String { hexadecimal(try MessageDigest.of(content, by: .md5)) }

func randomContent(_ count: Int) -> [UInt8] {
  let piece = (0..<min(count, 4096)).map { _ in UInt8.random(in: 0...255) }
  var content: [UInt8] = []
  while content.count < count { content += piece.prefix(count - content.count) }
  return content
}

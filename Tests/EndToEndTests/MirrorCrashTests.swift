import Checksums
import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

/// The real binary over a mirror, ended by SIGKILL at each point between two effects and started again (fault 10).
@Suite("Crash points of a mirror", .needsBinary)
struct MirrorCrashTests {
  enum Ledger: String, CaseIterable {
    /// It knows what lies at the destinations.
    case known
    /// It is a new one: a listing tells.
    case new
  }

  @Test("fault 10: killed before or after any effect, bucket and directory are as the tree", arguments: Ledger.allCases)
  func converges(ledger: Ledger) async throws {
    try await World.with(.scripted([])) { world in
      try configure(world)
      try await putBeside(world)
      for name in ["same", "d/same", "gone0", "name0.txt"] { try world.scratch.write(name, to: "in/\(name)") }
      try await world.run("run", "--once")
      try change(world, 0)
      if ledger == .new { try world.scratch.remove("state") }
      try await world.run("run", "--once", environment: ["SLIPWAY_CRASH_LOG": world.scratch("points")])
      try expectMirrored(world, "no point")
      let points = world.scratch.lines("points")
      let names = Set(points.map { $0.prefix { $0 != ":" } })
      #expect(names.isSuperset(of: ["store.put.after", "store.delete.before", "ledger.commit.after"]), "\(names)")
      #expect(names.contains("store.copy.after") == (ledger == .known), "\(names)")
      for (number, point) in points.enumerated() { try await crash(at: point, number + 1, ledger, in: world) }
      var sums: [String: String] = [:]
      for (path, content) in try contents(world, below: "in") {
        sums[path] = hexadecimal(try MessageDigest.of(content, by: .md5))
      }
      #expect(try await world.reader.digests(world.bucket, prefix: "pre/") == sums)
      try await expectNothingLeft(world)
    }
  }

  private func crash(at point: String, _ number: Int, _ ledger: Ledger, in world: World) async throws {
    try change(world, number)
    if ledger == .new { try world.scratch.remove("state") }
    let told = world.scratch.lines("told").count
    let killed = try world.start("run", "--once", environment: ["SLIPWAY_CRASH_AT": point])
    let ending = await killed.end()
    // A point may be passed less often than in the first run, where its number depends on how requests interleave.
    #expect(ending == .signalled(SIGKILL) || ending == .exited(0), "\(point): \(killed.transcript)")
    try await world.run("run", "--once")
    let later = world.scratch.lines("told").dropFirst(told)
    #expect(!later.isEmpty && later.allSatisfy { $0 == "success" }, "\(point): \(later)")
    try expectMirrored(world, point)
  }

  private func configure(_ world: World) throws {
    let places = world.destinations().replacing("path: ./outbox", with: "path: ./outbox, prefix: pre")
    try world.scratch.write(
      """
      version: 1
      settings: { state_dir: ./state }
      \(places)workflows:
        w:
          watch: ./in
          mirror: { delete: true }
          destinations: [store, copy]
          retry: { attempts: 2, backoff: 10ms..20ms }
          hooks: { post: [{ shell: 'echo "$SLIPWAY_STATUS" >>\(world.scratch("told"))' }] }
      """, to: "workflows.yaml")
  }

  /// A new file, a changed, a renamed and a removed one.
  private func change(_ world: World, _ number: Int) throws {
    try world.scratch.write("new \(number)", to: "in/d/new\(number)")
    try world.scratch.write("gone \(number + 1)", to: "in/gone\(number + 1)")
    try world.scratch.write("\(number)", to: "in/changed")
    #expect(rename(world.scratch("in/name\(number).txt"), world.scratch("in/name\(number + 1).txt")) == 0)
    try world.scratch.remove("in/gone\(number)")
  }

  private static let beside = ["pre2/x", "pre", "other/pre/y"]

  /// What is not the mirror's.
  private func putBeside(_ world: World) async throws {
    for key in Self.beside { try await world.reader.put(world.bucket, Array(key.utf8), Array(key.utf8)) }
    for name in ["pre2/x", "other/pre/y"] { try world.scratch.write(name, to: "outbox/\(name)") }
  }

  private func expectMirrored(_ world: World, _ point: String) throws {
    let server = try #require(world.scripted)
    let files = try contents(world, below: "in")
    var objects: [String: [UInt8]] = [:]
    for key in server.keys(in: world.bucket).map({ String(decoding: $0, as: UTF8.self) }) where key.hasPrefix("pre/") {
      objects[String(key.dropFirst(4))] = server.object(key, in: world.bucket)?.content
    }
    #expect(objects.keys.sorted() == files.keys.sorted(), "\(point)")
    #expect(files.filter { objects[$0.key] != $0.value }.map(\.key) == [], "\(point)")
    let copies = try contents(world, below: "outbox/pre")
    #expect(copies.keys.sorted() == files.keys.sorted(), "\(point)")
    #expect(files.filter { copies[$0.key] != $0.value }.map(\.key) == [], "\(point)")
  }

  private func contents(_ world: World, below directory: String) throws -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for path in try world.scratch.files(below: directory) {
      contents[String(decoding: path, as: UTF8.self)] = world.scratch.read(bytes: Array("\(directory)/".utf8) + path)
    }
    return contents
  }

  /// No file of a run or of a put, nothing to do; and what lies beside is there.
  private func expectNothingLeft(_ world: World) async throws {
    #expect(world.scratch.children("state/runs") == [])
    #expect(try await world.keys().filter { !$0.hasPrefix("pre/") } == Self.beside.sorted())
    #expect(try world.copies().filter { !$0.hasPrefix("pre/") } == ["other/pre/y", "pre2/x"])
    let requests = world.scripted?.requests.count
    let last = try await world.run("run", "--once")
    #expect(!last.lines().contains { $0.contains("run started") || $0.contains("run goes on") }, "\(last.transcript)")
    #expect(world.scripted?.requests.count == requests)
  }
}

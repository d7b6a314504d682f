import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

/// Fault 11: what cannot be recorded does not happen.
@Suite("A ledger that cannot be written", .needsBinary)
struct LedgerFaultTests {
  struct Fault: CustomTestStringConvertible {
    let testDescription: String
    let calls: String
    let error: String
    var once = false
    var told = "look for errors of the disk"
    /// Of the calls of a run every so manyth is tried.
    var step = 1

    static let all = [
      Fault(testDescription: "every fsync from one on", calls: "fsync,fdatasync", error: "EIO"),
      Fault(testDescription: "one fsync alone", calls: "fsync,fdatasync", error: "EIO", once: true),
      Fault(
        testDescription: "a full disk", calls: "pwrite64", error: "ENOSPC",
        told: "database or disk is full; make room on its file system and start Slipway again", step: 7),
      Fault(testDescription: "every write from one on", calls: "pwrite64", error: "EIO", step: 9),
      Fault(testDescription: "every read from one on", calls: "pread64", error: "EIO", step: 3),
    ]
  }

  private static let workflow = """
    hooks:
      pre: [{ shell: 'echo sum >SUM' }]
      post: [{ shell: 'echo "$SLIPWAY_TREE_NAME" >>"$SLIPWAY_STATE/../../../log"' }]
    after: { success: delete }
    """

  @Test(
    "fault 11: whichever call fails, nothing goes beyond the record, and the next start converges",
    .enabled(if: Tracer.isAvailable, Comment(rawValue: Tracer.need)), arguments: Fault.all)
  func converges(_ fault: Fault) async throws {
    try await World.with(.scripted([])) { world in
      try world.configure(Self.workflow)
      try world.makeTree("first", ["a": "1"])
      try await world.run("run", "--once")
      let ledger = try world.inode("state/ledger.sqlite")
      let state = ["", "/ledger.sqlite", "/ledger.sqlite-wal"].map { world.scratch("state" + $0) }
      var (number, wasHit) = (1, true)
      var trees: [String] = []
      while wasHit, trees.count < 200 {
        trees.append("t\(number)")
        try world.makeTree("t\(number)", ["a": "1", "b/c": "2", "d": "3"])
        let wrapper = Tracer.failing(
          fault.calls, with: fault.error, at: number, once: fault.once, on: state, log: world.scratch("trace"))
        let program = try world.start("run", "--once", wrapper: wrapper)
        let ending = await program.end()
        wasHit = world.scratch.lines("trace").contains { $0.contains("INJECTED") }
        expectEnd(ending, program, wasHit: wasHit, fault.told, world)
        try await expectNothingBeyondTheRecord("t\(number)", world)
        try await world.run("run", "--once")
        try expectDelivered("t\(number)", world)
        number += fault.step
      }
      #expect(!wasHit && trees.count > 5)
      #expect(try world.inode("state/ledger.sqlite") == ledger, "another ledger")
      #expect(try await world.run("runs", "-n", "1000", "--json").objects().count >= trees.count + 1)
      let last = try await world.run("run", "--once")
      #expect(last.lines() == [], "\(last.transcript)")
    }
  }

  /// What has failed after the last record, when the file is closed, needs no other end.
  private func expectEnd(
    _ ending: Program.Ending?, _ program: Program, wasHit: Bool, _ told: String, _ world: World
  ) {
    let isTold = program.lines(.errors).contains {
      $0.contains("the ledger \(world.scratch("state/ledger.sqlite")): ") && $0.contains(told)
    }
    #expect(ending == (isTold ? .exited(74) : .exited(0)), "\(program.transcript)")
    #expect(wasHit || !isTold, "\(program.transcript)")
    let isDone = program.lines().contains { $0.contains("run done") }
    #expect(isTold || isDone, "\(program.transcript)")
  }

  @Test(
    "fault 11: a first start in which the ledger cannot be made leaves nothing that the next one takes for a ledger",
    .enabled(if: Tracer.isAvailable, Comment(rawValue: Tracer.need)))
  func firstStart() async throws {
    try await World.with(.none) { world in
      try world.configure(Self.workflow, to: "[copy]")
      let files = [".new", ".new-journal", ".new-wal", "", "-wal"].map { "/ledger.sqlite\($0)" }
      let state = ([""] + files).map { world.scratch("state" + $0) }
      var (number, wasHit) = (1, true)
      while wasHit, number < 400 {
        try world.makeTree("t\(number)", ["a": "1"])
        let wrapper = Tracer.failing(
          "fsync,fdatasync,pwrite64,rename", with: "EIO", at: number, on: state, log: world.scratch("trace"))
        let program = try world.start("run", "--once", wrapper: wrapper)
        let ending = await program.end()
        wasHit = world.scratch.lines("trace").contains { $0.contains("INJECTED") }
        let isTold = program.lines(.errors).contains {
          $0.contains("the ledger \(world.scratch("state/ledger.sqlite"))")
        }
        #expect(ending == (isTold ? .exited(74) : .exited(0)), "\(program.transcript)")
        try await world.run("run", "--once")
        #expect(world.scratch.exists("outbox/t\(number)/SUM") && !world.scratch.exists("in/t\(number)"))
        #expect(world.scratch.lines("log").contains("t\(number)"))
        try world.scratch.remove("state")
        number += 5
      }
      #expect(!wasHit && number > 30)
    }
  }

  /// No post hook before the ledger has said that all has arrived, no file taken away before it says so.
  private func expectNothingBeyondTheRecord(_ tree: String, _ world: World) async throws {
    let runs = try await world.run("runs", "-n", "1000", "--json").objects()
    let run = runs.first { $0["tree"] as? String == world.scratch("in/\(tree)") }
    let state = run?["state"] as? String ?? "none"
    if world.scratch.lines("log").contains(tree) {
      #expect(["uploaded", "finishing", "retiring", "done"].contains(state), "a post hook has run")
    }
    let files = ["a", "b/c", "d", ".ready"].map { "in/\(tree)/\($0)" }
    if !files.allSatisfy(world.scratch.exists) { #expect(["retiring", "done"].contains(state), "a file is gone") }
  }

  private func expectDelivered(_ tree: String, _ world: World) throws {
    for file in ["SUM", "a", "b/c", "d"] {
      #expect(world.scripted?.object("pre/\(tree)/\(file)", in: world.bucket) != nil, "\(tree)/\(file)")
      #expect(world.scratch.exists("outbox/\(tree)/\(file)"))
    }
    #expect(world.scratch.lines("log").contains(tree) && !world.scratch.exists("in/\(tree)"))
    #expect(world.scratch.children("state/runs") == [])
  }

  @Test("fault 11: no ledger that is not understood is written, or made anew", arguments: Damage.all)
  func refused(_ damage: Damage) async throws {
    try await World.with(.none) { world in
      try world.configure("after: { success: delete }", to: "[copy]")
      try world.makeTree("first", ["a": "1"])
      try await world.run("run", "--once")
      let whole = try #require(world.scratch.read("state/ledger.sqlite"))
      var content = whole
      damage.apply(&content)
      try world.scratch.write(content, toBytes: Array("state/ledger.sqlite".utf8))
      try world.makeTree("t", ["a": "1"])
      for verb in [["run", "--once"], ["run"], ["runs"], ["run", "--dry-run"], ["retry", "--failed"]] {
        let program = try world.startProgram([try #require(SlipwayBinary.path)] + verb)
        try await program.expectEnd(.exited(74))
        #expect(program.lines(.output) == [] && program.lines(.errors).count == 1, "\(program.transcript)")
        #expect(program.lines(.errors).first?.contains(damage.told) == true, "\(program.transcript)")
      }
      let isUnchanged = world.scratch.read("state/ledger.sqlite") == content
      #expect(isUnchanged, "it was changed")
      #expect(world.scratch.exists("in/t/a") && !world.scratch.exists("outbox/t"))
      try world.scratch.write(whole, toBytes: Array("state/ledger.sqlite".utf8))
      try await world.run("run", "--once")
      #expect(try world.copies() == ["first/a", "t/a"])
      #expect(try await world.run("runs", "--json").objects().count == 2)
    }
  }

  struct Damage: CustomTestStringConvertible {
    let testDescription: String
    let told: String
    let apply: @Sendable (inout [UInt8]) -> Void

    static let all = [
      Damage(testDescription: "garbage in its header", told: "file is not a database; put a copy of it back") {
        $0.replaceSubrange(0..<16, with: Array("garbage, garbage".utf8))
      },
      Damage(testDescription: "a newer schema", told: "it has version 200, and this Slipway knows no later one") {
        // The user version: four bytes at 60, the highest first.
        $0[63] = 200
      },
      Damage(testDescription: "nothing in it", told: "the file is empty; put a copy of it back") { $0 = [] },
    ]
  }

  @Test("fault 11: garbage in the middle of the ledger stops the process where it is met, and nothing is done on it")
  func garbageInTheMiddle() async throws {
    try await World.with(.none) { world in
      try world.configure("hooks: { post: ['/bin/false'] }\nretry: { attempts: 1 }", to: "[copy]")
      let names = (0..<3000).map { "file-\($0)" }
      try world.makeTree("t", Dictionary(uniqueKeysWithValues: names.map { ($0, $0) }))
      try await world.run("run", "--once", "-q", expecting: 1)
      let whole = try #require(world.scratch.read("state/ledger.sqlite"))
      var content = whole
      // Beyond the schema and the runs, which came first: rows of uploads.
      for index in (content.count / 2)..<content.count { content[index] = 0x5A }
      try world.scratch.write(content, toBytes: Array("state/ledger.sqlite".utf8))
      // Its manifest is made of those rows.
      let program = try await world.run("run", "--once", expecting: 74)
      let told =
        "the ledger \(world.scratch("state/ledger.sqlite")): database disk image is malformed; look for errors of the disk; if there"
      #expect(program.lines(.errors).contains { $0.contains(told) }, "\(program.transcript)")
      #expect(!program.lines().contains { $0.contains("post hook") }, "\(program.transcript)")
      for log in ["ledger.sqlite-wal", "ledger.sqlite-shm"] where world.scratch.exists("state/\(log)") {
        try world.scratch.remove("state/\(log)")
      }
      try world.scratch.write(whole, toBytes: Array("state/ledger.sqlite".utf8))
      try world.configure("hooks: { post: ['/bin/true'] }", to: "[copy]")
      try await world.run("run", "--once")
      #expect(try world.copies().count == names.count)
    }
  }
}

extension World {
  /// Which file it is, whatever its name.
  func inode(_ name: String) throws -> UInt64 {
    var status = stat()
    try #require(stat(scratch(name), &status) == 0)
    return UInt64(status.st_ino)
  }
}

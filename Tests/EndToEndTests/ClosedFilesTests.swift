import Foundation
import Glibc
import TestSupport
import Testing

@Suite("Closed files", .needsBinary)
struct ClosedFilesTests {
  private func runs(_ world: World) async throws -> [String] {
    let runs = try await world.run("runs", "-n", "10000", "--json").objects()
    #expect(runs.allSatisfy { $0["state"] as? String == "done" }, "\(runs.prefix(5))")
    return runs.compactMap { $0["tree"] as? String }.map { String($0.dropFirst(world.scratch("in/").utf8.count)) }
      .sorted()
  }

  /// Writes a file, and returns once it has been delivered: whatever was told before it has been looked at.
  private func beacon(_ world: World, _ name: String, _ service: Program) async throws {
    try world.scratch.write(name, to: "in/\(name)")
    #expect(await eventually { world.scratch.exists("outbox/\(name)") }, "\(service.transcript)")
  }

  @Test("A file that is written slowly, in place, is uploaded once, whole; also one that was open at the start")
  func slow() async throws {
    try await World.with { world in
      try world.configure(ready: "closed")
      let before = open(world.scratch("in/before"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      #expect(write(before, "1", 1) == 1)
      let service = try await world.startService()
      let slow = open(world.scratch("in/slow"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      for round in 0..<3 {
        #expect(write(slow, "\(round)", 1) == 1 && write(before, "\(round)", 1) == 1)
        try await beacon(world, "beacon\(round)", service)
        #expect(!world.scratch.exists("outbox/slow") && !world.scratch.exists("outbox/before"))
      }
      close(slow)
      close(before)
      #expect(await eventually { world.scratch.read("outbox/slow") == Array("012".utf8) }, "\(service.transcript)")
      #expect(await eventually { world.scratch.read("outbox/before") == Array("1012".utf8) }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      let names = ["beacon0", "beacon1", "beacon2", "before", "slow"]
      #expect(try await runs(world) == names)
      #expect(try await world.keys() == names.map { "pre/" + $0 })
    }
  }

  @Test("A file that gets its name while it is open under another one is uploaded when it is closed")
  func named() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]", ready: "closed")
      let service = try await world.startService()
      let writer = open(world.scratch("aside"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      #expect(write(writer, "1", 1) == 1)
      link(world.scratch("aside"), world.scratch("in/named"))
      try await beacon(world, "beacon", service)
      #expect(!world.scratch.exists("outbox/named"))
      #expect(write(writer, "2", 1) == 1)
      close(writer)
      #expect(await eventually { world.scratch.read("outbox/named") == Array("12".utf8) }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test("Files that come by rename, in a directory or as a link are taken, drafts that the filter leaves out are not")
  func movedIn() async throws {
    try await World.with(.none) { world in
      try world.configure("exclude: '(^|/)\\.[^/]*$'", to: "[copy]", ready: "closed")
      let service = try await world.startService()
      try world.scratch.write("renamed", to: "in/.renamed.tmp")
      rename(world.scratch("in/.renamed.tmp"), world.scratch("in/renamed"))
      try world.scratch.write("tree", to: "aside/d/e/f")
      rename(world.scratch("aside/d"), world.scratch("in/d"))
      try world.scratch.write("outside", to: "aside/file")
      rename(world.scratch("aside/file"), world.scratch("in/file"))
      link(world.scratch("in/file"), world.scratch("in/linked"))
      let all = ["d/e/f", "file", "linked", "renamed"]
      #expect(await eventually { (try? world.copies()) == all }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(Set(try await runs(world)) == Set(all))
    }
  }

  @Test("A start over what has been delivered sends no request; a file of the same size that was overwritten is sent")
  func restart() async throws {
    try await World.with(.scripted([])) { world in
      try world.configure(to: "[store]", ready: "closed")
      for name in ["a", "d/b", "d/c"] { try world.scratch.write("1", to: "in/\(name)") }
      try await world.run("run", "--once")
      #expect(world.putCount() == 3)
      let requests = world.scripted?.requests.count
      try await world.run("run", "--once")
      let service = try await world.startService()
      #expect(world.scripted?.requests.count == requests, "a start sends no request")
      try world.scratch.write("2", to: "in/d/b")
      #expect(await eventually { world.putCount("d/b") == 2 }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(try await world.reader.get(world.bucket, Array("pre/d/b".utf8)).bytes == Array("2".utf8))
      #expect(world.putCount() == 4)
    }
  }

  @Test("2,000 files in a burst are delivered, each exactly once")
  func burst() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]", ready: "closed")
      let service = try await world.startService()
      let loops = [
        "echo $n >in/$n", "mkdir -p in/x/$n/b; echo $n >in/x/$n/b/f",
        "mkdir -p aside/$n; echo $n >aside/$n/f; mv aside/$n in/y$n",
      ]
      let writers = try loops.enumerated().map { number, step in
        try world.startProgram(["/bin/bash", "-c", "mkdir -p aside; for n in \(number){001..500}; do \(step); done"])
      }
      for number in 0..<500 { try world.scratch.write("\(number)", to: "in/direct/\(number)") }
      for writer in writers { try await writer.expectEnd(.exited(0)) }
      #expect(await eventually { (try? world.copies().count) == 2000 }, "\(service.lines().suffix(20))")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      let trees = try await runs(world)
      #expect(trees.count == 2000 && Set(trees).count == 2000)
    }
  }

  @Test("Killed in the middle of a burst, and started again, it delivers every file")
  func killed() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]", ready: "closed")
      var service = try await world.startService()
      for number in 0..<600 {
        try world.scratch.write("\(number)", to: "in/\(number % 7)/\(number)")
        if number % 200 != 150 { continue }
        #expect(await eventually { world.scratch.exists("outbox/0/0") })
        service.signal(SIGKILL)
        try await service.expectEnd(.signalled(SIGKILL))
        service = try await world.startService()
      }
      #expect(await eventually { (try? world.copies().count) == 600 }, "\(service.lines().suffix(20))")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      for number in 0..<600 {
        #expect(world.scratch.read("outbox/\(number % 7)/\(number)") == Array("\(number)".utf8))
      }
      #expect(Set(try await runs(world)).count == 600)
      #expect(try await world.run("run", "--once", "--dry-run").lines(.output) == [])
    }
  }

  @Test("Delivered files are deleted; a count and the complete marker end the service")
  func ends() async throws {
    try await World.with { world in
      try world.configure("after: delete\nstop: { count: 2 }", ready: "closed")
      var service = try await world.startService()
      for name in ["d/x", "y"] { try world.scratch.write(name, to: "in/\(name)") }
      try await service.expectEnd(.exited(0))
      #expect(world.scratch.children("in") == ["d"] && world.scratch.children("in/d") == [])
      try world.configure("after: { success: { move: ./done } }\nstop: { marker: .complete }", ready: "closed")
      service = try await world.startService()
      for number in 0..<20 { try world.scratch.write("\(number)", to: "in/d/\(number)") }
      try world.scratch.write("", to: "in/.complete")
      try await service.expectEnd(.exited(0))
      #expect(world.scratch.children("in") == [".complete", "d"] && world.scratch.children("in/d") == [])
      #expect(world.scratch.children("done").count == 20)
      #expect(try await world.keys().count == 22)
    }
  }

  @Test("A dry run and explain say what would become of a file")
  func asked() async throws {
    try await World.with(.none) { world in
      try world.configure(
        """
        filter: '\\.csv$'
        hooks: { post: [{ shell: 'pwd >>../../where' }] }
        tests: [{ path: d/a.csv, key: d/a.csv }, { path: d/a.log, skip: filter }]
        """, to: "[copy]", ready: "closed")
      for name in ["d/a.csv", "d/b.log"] { try world.scratch.write("1", to: "in/\(name)") }
      let here = world.scratch.path
      #expect(try await world.run("validate").lines(.output).last?.hasSuffix("2 tests: nothing wrong") == true)
      let program = try await world.run("run", "--once", "--dry-run")
      let told = program.lines(.output)
      #expect(
        told == [
          "tree \(here)/in/d/a.csv (workflow w)",
          "  upload d/a.csv -> copy: d/a.csv (filter '\\.csv$', ./workflows.yaml:19:13)",
          "  post hook shell: pwd >>../../where: not run in a dry run",
        ], "\(program.transcript)")
      let taken = try await world.run("explain", "in/d/a.csv").lines(.output)
      #expect(taken.contains("  tree      d/a.csv (the file itself, once it is closed after writing)"), "\(taken)")
      #expect(taken.contains("  key       copy: d/a.csv"), "\(taken)")
      let skipped = try await world.run("explain", "in/d/b.log", expecting: 1).lines(.output)
      #expect(skipped.last == "  skipped   no pattern of filter matches")
      try await world.run("run", "--once")
      #expect(world.scratch.lines("where") == ["\(here)/in/d"])
      let service = try await world.startService()
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(try await world.run("run", "--once", "--dry-run").lines(.output) == [])
    }
  }
}

import Checksums
import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

@Suite("Queues", .needsBinary)
struct QueueTests {
  @Test("A queue's files are delivered as they come, slow writers' when they are closed, and moved to 'completed'")
  func service() async throws {
    try await World.with(.scripted([])) { world in
      try world.configureQueue("exclude: '^\\.'", to: "[store, copy]")
      try world.scratch.write("early", to: "in/early")
      try world.scratch.write("not below", to: "in/d/x")
      let service = try await world.startService()
      let slow = open(world.scratch("in/slow"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      for round in 0..<3 {
        #expect(write(slow, "\(round)", 1) == 1)
        try world.scratch.write("whole", to: "in/.beacon\(round)")
        rename(world.scratch("in/.beacon\(round)"), world.scratch("in/beacon\(round)"))
        #expect(await eventually { world.scratch.exists("completed/beacon\(round)") }, "\(service.transcript)")
        #expect(world.scratch.exists("in/slow"))
      }
      close(slow)
      #expect(await eventually { world.scratch.exists("completed/slow") }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      let names = ["beacon0", "beacon1", "beacon2", "early", "slow"]
      #expect(world.scratch.children("completed") == names)
      #expect(try world.copies() == names && world.scratch.read("outbox/slow") == Array("012".utf8))
      #expect(try await world.keys() == names.map { "pre/" + $0 })
      #expect(world.scratch.children("in") == ["d"] && world.scratch.children("working") == [])
      let told = service.lines().filter { $0.contains("/in/d is left alone: it is a directory") }
      #expect(told.count == 1, "\(service.transcript)")
    }
  }

  @Test("Two and four processes work one queue: every file exactly once", arguments: [2, 4])
  func together(processes: Int) async throws {
    try await World.with(.scripted([])) { world in
      try world.configureQueue("stop: { marker: .complete }")
      var services: [Program] = []
      for number in 0..<processes { services.append(try await world.startWorker(number)) }
      for number in 0..<Self.fileCount { try world.scratch.write("\(number)", to: "in/\(number)") }
      try world.scratch.write("", to: "in/.complete")
      for service in services { try await service.expectEnd(.exited(0), upTo: World.bulkLimit) }
      try world.expectAllCompleted(Self.fileCount)
      #expect(world.putCount() == Self.fileCount)
      #expect(Set(world.scripted?.requests.map(\.keyText) ?? []).count >= Self.fileCount)
    }
  }

  private static let fileCount = 5000

  @Test("One of several is killed under load, again and again: every file is delivered, none is left, none is lost")
  func killed() async throws {
    try await World.with(.scripted([])) { world in
      try world.configureQueue()
      var services: [Program] = []
      for number in 0..<3 { services.append(try await world.startWorker(number)) }
      for number in 0..<Self.fileCount {
        try world.scratch.write("\(number)", to: "in/\(number)")
        if number % 500 != 499 { continue }
        services[0].signal(SIGKILL)
        try await services[0].expectEnd(.signalled(SIGKILL))
        services[0] = try await world.startWorker(0)
      }
      let isOver = await eventually(upTo: World.bulkLimit) {
        world.scratch.children("completed").count == Self.fileCount
      }
      #expect(isOver, "\(services[0].transcript)")
      for (number, service) in services.enumerated() {
        service.signal(SIGTERM)
        // 75: the file of a run is where it is to be, and the run is not over yet.
        let ending = try #require(await service.end())
        #expect([.exited(0), .exited(75)].contains(ending), "\(service.transcript)")
        try await world.run("run", "--once", environment: ["WORKER": "\(number)"])
      }
      try world.expectAllCompleted(Self.fileCount)
      let digests = try await world.reader.digests(world.bucket, prefix: "pre/")
      let wrong = try (0..<Self.fileCount).filter { number in
        digests["\(number)"] != hexadecimal(try MessageDigest.of(Array("\(number)".utf8), by: .md5))
      }
      #expect(wrong.isEmpty && digests.count == Self.fileCount)
    }
  }

  @Test("What a killed process held is taken up by another one that runs")
  func stranded() async throws {
    try await World.with(.none) { world in
      try world.configureQueue(
        "hooks: { pre: [{ shell: 'echo $SLIPWAY_TREE_NAME >>../held; sleep 60' }] }", to: "[copy]")
      let first = try await world.startWorker(0)
      try world.scratch.write("1", to: "in/x")
      #expect(await eventually { world.scratch.lines("held") == ["x"] }, "\(first.transcript)")
      #expect(world.scratch.children("working") == ["x"])
      first.signal(SIGKILL)
      try await first.expectEnd(.signalled(SIGKILL))
      try world.configureQueue(to: "[copy]")
      let second = try await world.startWorker(1)
      #expect(await eventually { world.scratch.exists("completed/x") }, "\(second.transcript)")
      #expect(second.transcript.contains("that nobody works on are taken up"))
      second.signal(SIGTERM)
      try await second.expectEnd(.exited(0))
      // The first one's run finds that its file is another's, and ends.
      try await world.run("run", "--once", environment: ["WORKER": "0"])
      #expect(world.scratch.children("completed") == ["x"])
    }
  }

  @Test("SIGHUP leaves a queue's files to the engine that comes next, and nothing of the one before stays open")
  func rereading() async throws {
    try await World.with(.none) { world in
      try world.configureQueue("hooks: { pre: [{ shell: 'test -e ../go || exit 75' }] }", to: "[copy]")
      let service = try await world.startService()
      try world.scratch.write("1", to: "in/x")
      #expect(await eventually { service.transcript.contains("deferred, again") }, "\(service.transcript)")
      try await world.readAgain(service)
      let process = "/proc/\(service.pid)"
      let (threads, descriptors) = (Self.count("\(process)/task"), Self.count("\(process)/fd"))
      for _ in 0..<3 { try await world.readAgain(service) }
      let areClosed = await eventually {
        Self.count("\(process)/task") <= threads && Self.count("\(process)/fd") <= descriptors
      }
      #expect(areClosed && threads > 0 && descriptors > 0, "\(threads) threads, \(descriptors) descriptors")
      #expect(world.scratch.children("working") == ["x"])
      try world.scratch.write("", to: "go")
      #expect(await eventually { world.scratch.exists("completed/x") }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      let runs = try await world.run("runs").lines(.output)
      #expect(runs.count { $0.contains("done") } == 1 && !runs.contains { $0.contains("cancelled") }, "\(runs)")
    }
  }

  /// How many entries of /proc are there.
  private static func count(_ directory: String) -> Int {
    // A process that has ended has none.
    (try? FileManager.default.contentsOfDirectory(atPath: directory).count) ?? 0
  }

  @Test("push, status, explain, validate's tests and a dry run work with a queue")
  func asked() async throws {
    try await World.with(.none) { world in
      try world.configureQueue(
        """
        filter: '\\.csv$'
        tests: [{ path: a.csv, key: a.csv }, { path: a.log, skip: filter }]
        """, to: "[copy]")
      for name in ["a.csv", "b.csv", "c.log"] { try world.scratch.write("1", to: "in/\(name)") }
      let here = world.scratch.path
      #expect(try await world.run("validate").lines(.output).last?.hasSuffix("2 tests: nothing wrong") == true)
      let told = try await world.run("run", "--once", "--dry-run").lines(.output)
      #expect(told.count == 4 && told.first == "tree \(here)/in/a.csv (workflow w)", "\(told)")
      let explained = try await world.run("explain", "in/a.csv").lines(.output)
      #expect(explained.contains("  tree      a.csv (the file itself, worked on in \(here)/working)"), "\(explained)")
      #expect(explained.contains("  after     success: move to \(here)/completed; failure: move to \(here)/failed"))
      try await world.run("push", "w", "in/a.csv")
      #expect(world.scratch.children("completed") == ["a.csv"] && world.scratch.children("in") == ["b.csv", "c.log"])
      try await world.run("push", "w", "in/a.csv", expecting: 64)
      try await world.run("push", "w")
      #expect(world.scratch.children("completed") == ["a.csv", "b.csv"])
      let status = try await world.run("status").lines(.output)
      #expect(status.contains { $0.contains("done") }, "\(status)")
      #expect(try await world.run("run", "--once", "--dry-run").lines(.output) == [])
    }
  }
}

extension World {
  /// Writes a workflow file with one queue, `w`, whose state directory is that of `WORKER`.
  func configureQueue(
    _ lines: String = "", to names: String = "[store]", completed: String = "./completed", failed: String = "./failed",
    batch: Int = 1
  ) throws {
    let further = lines.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)\n" }.joined()
    try scratch.write(
      """
      version: 1
      settings: { state_dir: './state${WORKER:-}', poll: 1s }
      \(destinations())workflows:
        w:
          watch: ./in
          queue: { working: ./working, completed: \(completed), failed: \(failed), batch: \(batch) }
          destinations: \(names)
          started: './started${WORKER:-}'
          retry: { attempts: 2, backoff: 10ms..20ms, defer: 100ms }
      \(further)
      """, to: "workflows.yaml")
  }

  /// Has the service read its file again; returns once the watches of its next engine are live.
  func readAgain(_ service: Program) async throws {
    try scratch.remove("started")
    service.signal(SIGHUP)
    let isLive = await eventually { service.hasEnded || self.scratch.exists("started") }
    try #require(isLive && !service.hasEnded, "\(service.transcript)")
  }

  /// A process with a state directory of its own; returns once its watches are live.
  func startWorker(_ number: Int) async throws -> Program {
    let started = "started\(number)"
    if scratch.exists(started) { try scratch.remove(started) }
    let program = try start("run", environment: ["WORKER": "\(number)"])
    let isLive = await eventually { program.hasEnded || self.scratch.exists(started) }
    try #require(isLive && !program.hasEnded, "\(program.transcript)")
    return program
  }

  /// Each of the numbered files lies in `completed` with its content, and nothing is left elsewhere.
  func expectAllCompleted(_ count: Int) throws {
    #expect(Set(scratch.children("completed")) == Set((0..<count).map { "\($0)" }))
    #expect(scratch.children("in").filter { $0 != ".complete" } == [])
    #expect(scratch.children("working") == [])
    let wrong = (0..<count).filter { scratch.read("completed/\($0)") != Array("\($0)".utf8) }
    #expect(wrong.isEmpty)
  }
}

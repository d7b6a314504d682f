import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("Faults of a destination", .needsBinary)
struct DestinationFaultTests {
  private static let trees = ["t1", "t2", "t3"]

  /// A service that goes on after a destination has been out: its trees wait, visibly, and then arrive.
  private func survives(_ world: World, _ files: [String], _ isOut: () async throws -> Void) async throws {
    let server = try #require(world.scripted)
    try world.configure("hooks: { post: [{ shell: 'echo \"$SLIPWAY_TREE_NAME\" >>\(world.scratch("log"))' }] }")
    let service = try await world.startService()
    for tree in Self.trees {
      try world.makeTree(tree, Dictionary(uniqueKeysWithValues: files.map { ($0, "of \(tree)") }))
    }
    #expect(await service.line(containing: "destination 'store' is out") != nil, "\(service.transcript)")
    #expect(await eventually { (try? world.copies().count) == Self.trees.count * files.count }, "\(service.transcript)")
    try await isOut()
    server.removeRules()
    #expect(await eventually { world.scratch.lines("log").count == Self.trees.count }, "\(service.transcript)")
    #expect(try await world.keys() == Self.trees.flatMap { tree in files.sorted().map { "pre/\(tree)/\($0)" } })
    #expect(Set(world.scratch.lines("log")) == Set(Self.trees))
    service.signal(SIGTERM)
    try await service.expectEnd(.exited(0))
    let out = service.lines(.errors).filter { $0.contains("is out, and one run") }
    #expect(out.count == 1, "\(service.transcript)")
    #expect(!service.transcript.contains("run failed"), "\(service.transcript)")
  }

  /// Returns once every tree has been told to wait for its destination; one of them tries it now and then.
  private func expectWaiting(_ world: World, _ why: String) async throws {
    var seen: Set<String> = []
    let deadline = ContinuousClock.now + World.limit
    while seen.count < Self.trees.count, ContinuousClock.now < deadline {
      for run in try await world.run("runs", "--state", "waiting", "--json").objects() {
        let error = run["error"] as? String ?? ""
        #expect(error.contains(why), "\(run)")
        if let tree = run["tree"] as? String { seen.insert(tree) }
      }
    }
    #expect(seen.count == Self.trees.count, "\(seen)")
  }

  @Test(
    "fault 31: AccessDenied, NoSuchBucket: blocked and visible, tried by one run, and all arrive when it is put right",
    arguments: [(403, "AccessDenied"), (404, "NoSuchBucket")])
  func refused(status: Int, code: String) async throws {
    let rule = FaultRule.every("PUT", "pre/", .answer(status: status, code: code))
    try await World.with(.scripted([rule])) { world in
      try await survives(world, ["a"]) {
        try await expectWaiting(world, "the server answered \(status) \(code)")
        // More often than `attempts` says, and by every run in its turn.
        let isTried = await world.scripted?.wait { server in
          let tried = server.requests.filter { $0.method == "PUT" && $0.status == status }
          return tried.count > 8 && Set(tried.map(\.keyText)).count == Self.trees.count
        }
        #expect(isTried == true)
      }
    }
  }

  @Test("fault 25: 500, 502 and 504 for longer than all attempts together: nothing fails, and what has arrived is kept")
  func serverErrors() async throws {
    let rules = [
      FaultRule.every("PUT", "pre/t1/", .answer(status: 500, code: "InternalError")),
      FaultRule.every("PUT", "pre/t2/", .answer(status: 502, code: "")),
      FaultRule.every("PUT", "pre/t3/", .answer(status: 504, code: "")),
    ]
    try await World.with(.scripted(rules)) { world in
      let files = (10..<50).map { "f\($0)" }
      try await survives(world, files) { try await expectWaiting(world, "the server answered 50") }
    }
  }

  @Test("fault 25: a burst of 503 SlowDown is waited out request by request, within one attempt")
  func slowDown() async throws {
    let burst = FaultRule.first("PUT", "pre/", times: 3, .answer(status: 503, code: "SlowDown"))
    try await World.with(.scripted([burst])) { world in
      try world.configure(to: "[store]")
      try world.makeTree("t", ["a": "1", "b": "2", "c": "3", "d": "4"])
      try await world.run("run", "--once")
      #expect(try await world.keys() == ["a", "b", "c", "d"].map { "pre/t/\($0)" })
      #expect(world.putCount() == 4 + 3)
      let runs = try await world.run("runs", "--json").objects()
      #expect(runs.map { $0["attempt"] as? Int } == [1])
    }
  }

  @Test("fault 30: a clock that is twenty minutes off costs one refusal, and so does its being right again")
  func clock() async throws {
    try await World.with(.scripted([])) { world in
      let server = try #require(world.scripted)
      try world.configure(to: "[store]", settings: "transfers: 1")
      server.change { $0.clockOffset = .seconds(1200) }
      let service = try await world.startService()
      try world.makeTree("t1", ["a": "1", "b": "2"])
      #expect(await server.wait { $0.keys(in: world.bucket).count == 2 }, "\(service.transcript)")
      // Until the last answer has been read: its date tells the new time as well as a refusal does.
      #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
      server.change { $0.clockOffset = .zero }
      try world.makeTree("t2", ["a": "1", "b": "2"])
      #expect(await server.wait { $0.keys(in: world.bucket).count == 4 }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      let statuses = server.requests.filter { $0.method == "PUT" && !$0.key.isEmpty }.map(\.status)
      #expect(statuses == [403, 200, 200, 403, 200, 200])
      #expect(!service.transcript.contains("attempt failed"), "\(service.transcript)")
    }
  }

  @Test("A server that is not there is waited for, and the other destination gets the files meanwhile")
  func unreachable() async throws {
    try await World.with(.none) { world in
      try world.configure()
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      #expect(await service.line(containing: "destination 'store' is out") != nil, "\(service.transcript)")
      #expect(await eventually { (try? world.copies()) == ["t/a"] }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(75))
      #expect(!service.transcript.contains("run failed"), "\(service.transcript)")
    }
  }
}

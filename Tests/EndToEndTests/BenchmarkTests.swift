import Foundation
import TestSupport
import Testing

@Suite("The harness of the benchmarks", .needsBinary)
struct BenchmarkTests {
  @Test("It compares slipway with the floor, both of which have sent everything, and leaves nothing behind")
  func smoke() async throws {
    try await World.with(.none) { world in
      let harness = try startRun(world, "--runs", "1", "--json", world.scratch("figures.json"))
      try await harness.expectEnd(.exited(0), upTo: World.bulkLimit)
      let rows = try measuredRows(world)
      #expect(rows.map { $0["row"] as? String } == ["smoke"])
      #expect((rows.first?["tools"] as? [String: Any]).map { Set($0.keys) } == ["slipway", "floor"])
      #expect(try left(world) == [])
    }
  }

  @Test("Each measurement of scale works, tried with few files, and leaves nothing behind")
  func scale() async throws {
    try await World.with(.none) { world in
      let harness = try start(
        "scale", world,
        ["--tiny", "--no-peers", "--state", world.scratch("disk"), "--json", world.scratch("figures.json")])
      try await harness.expectEnd(.exited(0), upTo: World.bulkLimit)
      let rows = try measuredRows(world)
      let names = [
        "latency-1", "latency-100", "latency-1000", "watch", "million", "million-flat", "burst-200", "burst-10000",
        "queue", "restart",
      ]
      #expect(rows.map { $0["row"] as? String } == names)
      #expect(rows.allSatisfy { ($0["figures"] as? [Any])?.isEmpty == false })
      #expect(try left(world) == [])
    }
  }

  @Test("A program that sends less than it should is not compared: exit code 1")
  func fewer() async throws {
    try await World.with(.none) { world in
      let idle = try world.scratch.write("#!/bin/sh\n", to: "idle", executable: true)
      let harness = try startRun(world, "--runs", "1", binary: idle)
      try await harness.expectEnd(.exited(1), upTo: World.bulkLimit)
      let told = "smoke: slipway sent 0 objects and 0 bytes, where there are 20 files of together 81920 bytes"
      #expect(harness.lines(.errors).contains("run: \(told): it is not compared"), "\(harness.transcript)")
      #expect(try left(world) == [])
    }
  }

  @Test("SIGTERM ends it with its server, and nothing stays")
  func interruption() async throws {
    try await World.with(.none) { world in
      let harness = try startRun(world, "--runs", "1000")
      #expect(await eventually { server(world) != nil })
      let pid = try #require(server(world))
      harness.signal(SIGTERM)
      try await harness.expectEnd(.exited(143))
      #expect(!World.isRunning(pid))
      #expect(try left(world) == [])
    }
  }

  private func startRun(_ world: World, _ arguments: String..., binary: String? = nil) throws -> Program {
    let own = ["--rows", "smoke", "--peers", "none", "--disk", world.scratch("disk")]
    return try start("run", world, own + arguments, binary: binary)
  }

  /// One of the harness's commands, with what all of these tests want.
  private func start(
    _ command: String, _ world: World, _ arguments: [String], binary: String? = nil
  ) throws -> Program {
    for directory in ["memory", "disk"] { try world.scratch.makeDirectory(directory) }
    let program = Readme.repository.appendingPathComponent("Tests/Benchmarks/\(command)").path
    let slipway = try binary ?? #require(SlipwayBinary.path)
    // The compiler may be Swift's, wherever that is.
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return try world.startProgram(
      [
        "/usr/bin/env", "PATH=\(path)", program, "--no-install", "--binary", slipway, "--memory",
        world.scratch("memory"),
      ] + arguments)
  }

  private func measuredRows(_ world: World) throws -> [[String: Any]] {
    let text = Data(try #require(world.scratch.read("figures.json")))
    let figures = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
    return try #require(figures["rows"] as? [[String: Any]])
  }

  /// What lies in the harness's two directories.
  private func left(_ world: World) throws -> [String] {
    try ["memory", "disk"].flatMap { try FileManager.default.contentsOfDirectory(atPath: world.scratch($0)) }
  }

  /// The server's process; nil until it has written its pid.
  private func server(_ world: World) -> pid_t? {
    // Not there yet.
    guard let made = try? left(world).first(where: { world.scratch.exists("memory/\($0)/sink/nginx.pid") }) else {
      return nil
    }
    return world.scratch.lines("memory/\(made)/sink/nginx.pid").first.flatMap { pid_t($0) }
  }
}

import Foundation
import TestSupport
import Testing

@Suite("The harness of the benchmarks", .needsBinary)
struct BenchmarkTests {
  @Test("It compares slipway with the floor, both of which have sent everything, and leaves nothing behind")
  func smoke() async throws {
    try await World.with(.none) { world in
      let harness = try startHarness(world, "--runs", "1", "--json", world.scratch("figures.json"))
      try await harness.expectEnd(.exited(0))
      let text = Data(try #require(world.scratch.read("figures.json")))
      let figures = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
      let rows = try #require(figures["rows"] as? [[String: Any]])
      #expect(rows.map { $0["row"] as? String } == ["smoke"])
      #expect((rows.first?["tools"] as? [String: Any]).map { Set($0.keys) } == ["slipway", "floor"])
      #expect(try left(world) == [])
    }
  }

  @Test("A program that sends less than it should is not compared: exit code 1")
  func fewer() async throws {
    try await World.with(.none) { world in
      let idle = try world.scratch.write("#!/bin/sh\n", to: "idle", executable: true)
      let harness = try startHarness(world, "--runs", "1", binary: idle)
      try await harness.expectEnd(.exited(1))
      let told = "smoke: slipway sent 0 objects and 0 bytes, where there are 20 files of together 81920 bytes"
      #expect(harness.lines(.errors).contains("run: \(told): it is not compared"), "\(harness.transcript)")
      #expect(try left(world) == [])
    }
  }

  @Test("SIGTERM ends it with its server, and nothing stays")
  func interruption() async throws {
    try await World.with(.none) { world in
      let harness = try startHarness(world, "--runs", "1000")
      #expect(await eventually { server(world) != nil })
      let pid = try #require(server(world))
      harness.signal(SIGTERM)
      try await harness.expectEnd(.exited(143))
      #expect(!World.isRunning(pid))
      #expect(try left(world) == [])
    }
  }

  private func startHarness(_ world: World, _ arguments: String..., binary: String? = nil) throws -> Program {
    for directory in ["memory", "disk"] { try world.scratch.makeDirectory(directory) }
    let run = Readme.repository.appendingPathComponent("Tests/Benchmarks/run").path
    let slipway = try binary ?? #require(SlipwayBinary.path)
    // The compiler may be Swift's, wherever that is.
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return try world.startProgram(
      [
        "/usr/bin/env", "PATH=\(path)", run, "--rows", "smoke", "--peers", "none", "--no-install", "--binary", slipway,
        "--memory", world.scratch("memory"), "--disk", world.scratch("disk"),
      ] + arguments)
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

import Glibc
import SlipwayModel
import Testing

@testable import TestSupport

@Suite("Large files", .needsBinary)
struct MultipartTests {
  /// As small as S3 allows.
  private static func destinations(_ world: World) -> String {
    let prefix = "    prefix: pre/\n"
    return world.destinations().replacing(
      prefix, with: prefix + "    multipart_threshold: 5MiB\n    part_size: 5MiB\n")
  }

  /// Whole mebibytes, each with another byte.
  private func content(_ mebibytes: Int) -> [UInt8] {
    (1...mebibytes).reduce(into: []) { $0 += [UInt8](repeating: UInt8($1), count: 1 << 20) }
  }

  @Test("a large file arrives in parts, and its post hook runs once it is whole")
  func delivery() async throws {
    try await World.with { world in
      try world.configure(
        "hooks: { post: [{ shell: 'echo \"$SLIPWAY_STATUS\" >>\(world.scratch("told"))' }] }", to: "[store]",
        destinations: Self.destinations(world))
      let large = content(11)
      try world.makeTree("t", ["small": "x"], ready: false)
      try world.scratch.write(large, toBytes: Array("in/t/large".utf8))
      try world.scratch.write("", to: "in/t/.ready")
      try await world.run("run", "--once")
      let stored = try await world.reader.list(world.bucket).first { $0.key == Array("pre/t/large".utf8) }
      #expect(stored?.size == 11 << 20)
      // Of the MD5s of the parts: another content would have another one.
      #expect(stored?.etag == "b300f3dc5af0b5f85ce3ac86f80f73df-3")
      #expect(world.scratch.lines("told") == ["success"])
    }
  }

  @Test("fault 32: kill -9 in the middle of a large file costs no part that had been proven (fault 10)")
  func killed() async throws {
    let stall = FaultRule(
      FaultRule.Match(method: "PUT", queryName: "partNumber", occurrences: 3...3), .stall(.beforeEffect))
    try await World.with(.scripted([stall])) { world in
      let server = try #require(world.scripted)
      try world.configure(
        "hooks: { post: [{ shell: 'echo \"$SLIPWAY_RUN_ID\" >>\(world.scratch("told"))' }] }", to: "[store]",
        settings: "transfers: 1", destinations: Self.destinations(world))
      let large = content(11)
      try world.scratch.makeDirectory("in/t")
      try world.scratch.write(large, toBytes: Array("in/t/large".utf8))
      try world.scratch.write("", to: "in/t/.ready")
      let service = try await world.startService()
      let hasCome = await server.wait { $0.requests.count { $0.queryValue("partNumber") != nil } == 3 }
      #expect(hasCome)
      service.signal(SIGKILL)
      try await service.expectEnd(.signalled(SIGKILL))
      server.removeRules()
      try await world.run("run", "--once")
      let isWhole = server.object("pre/t/large", in: world.bucket)?.content == large
      #expect(isWhole)
      #expect(server.openUploads.isEmpty)
      let requests = server.requests
      #expect(requests.count { $0.method == "POST" && $0.queryValue("uploads") != nil } == 1)
      #expect(requests.count { $0.method == "PUT" && $0.queryValue("partNumber") != nil } == 3 + 1)
      #expect(world.scratch.lines("told").count == 1)
      let before = requests.count
      try await world.run("run", "--once")
      #expect(server.requests.count == before)
    }
  }

  @Test("what a cancelled or failed run has begun is ended with it")
  func failure() async throws {
    let refuse = FaultRule(
      FaultRule.Match(method: "PUT", queryName: "partNumber", occurrences: 2...99),
      .answer(status: 400, code: "InvalidPart"))
    try await World.with(.scripted([refuse])) { world in
      let server = try #require(world.scripted)
      try world.configure(to: "[store]", destinations: Self.destinations(world))
      try world.scratch.makeDirectory("in/t")
      try world.scratch.write(content(11), toBytes: Array("in/t/large".utf8))
      try world.scratch.write("", to: "in/t/.ready")
      try await world.run("run", "--once", expecting: 1)
      #expect(server.requests.contains { $0.queryValue("uploads") != nil })
      #expect(server.openUploads.isEmpty)
    }
  }

  @Test("slipway cleanup ends what nobody goes on with, and leaves what is young")
  func cleanup() async throws {
    try await World.with { world in
      try world.configure(to: "[store]")
      try await world.reader.beginUpload(world.bucket, Array("pre/a b/old".utf8))
      try await world.reader.beginUpload(world.bucket, Array("elsewhere/old".utf8))
      let young = try await world.run("cleanup")
      #expect(young.lines(.output).contains("store: 0 uploads ended; left: 1 younger"))
      let dry = try await world.run("cleanup", "store", "--older-than", "0s", "--dry-run")
      #expect(dry.lines(.output).contains("store: 1 upload to end"))
      let left = try await world.reader.unfinishedUploads(world.bucket).count
      #expect(left == 2)
      let cleaned = try await world.run("cleanup", "--older-than", "0s", "--json")
      #expect(cleaned.transcript.contains("\"key\":\"pre/a b/old\""))
      let others = try await world.reader.unfinishedUploads(world.bucket)
      #expect(others == [Array("elsewhere/old".utf8)])
      try await world.run("cleanup", "copy", expecting: 64)
    }
  }
}

import Foundation
import TestSupport
import Testing

@Suite("Refusals", .needsBinary)
struct RefusalTests {
  @Test("Wrong keys: the run fails with a text that says so, and the other destination has everything")
  func wrongKeys() async throws {
    try await World.with { world in
      try world.configure(destinations: world.destinations(secret: "not/the+secret"))
      try world.makeTree("t", ["a": "1"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(
        program.lines().contains { $0.contains("SignatureDoesNotMatch") || $0.contains("secret") },
        "\(program.transcript)")
      #expect(program.lines().contains { $0.contains("store") || $0.contains("pre/t/a") }, "\(program.transcript)")
      #expect(!program.transcript.contains("not/the+secret"))
      #expect(try await world.keys() == [])
      #expect(try world.copies() == ["t/a"])
    }
  }

  @Test("A bucket that does not exist: the run fails and names it; after it was made the next run delivers")
  func missingBucket() async throws {
    try await World.with { world in
      try world.configure(destinations: world.destinations(bucket: "\(world.bucket)-gone"))
      try world.makeTree("t", ["a": "1"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(program.lines().contains { $0.contains("\(world.bucket)-gone") }, "\(program.transcript)")
      #expect(
        program.lines().contains { $0.contains("NoSuchBucket") || $0.contains("bucket") }, "\(program.transcript)")
      try await world.reader.makeBucket("\(world.bucket)-gone")
      try await world.run("run", "--once")
      #expect(try await world.reader.keys("\(world.bucket)-gone") == [Array("pre/t/a".utf8)])
    }
  }

  @Test("The service waits for a destination that refuses, and goes on when it is put right, without a restart")
  func resumes() async throws {
    try await World.with(.scripted([.every("PUT", "pre/", .answer(status: 403, code: "AccessDenied"))])) { world in
      let server = try #require(world.scripted)
      try world.configure("retry: { attempts: 2, backoff: 10ms..50ms }")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      // More often than `attempts` allows, if it counted.
      #expect(await server.wait { $0.requests.count { $0.status == 403 } >= 5 }, "\(service.transcript)")
      #expect(!service.hasEnded)
      server.removeRules()
      #expect(await server.wait { $0.object("pre/t/a", in: world.bucket) != nil }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test("An unreadable file is that file's error: the others arrive, the run fails, nothing is disposed of")
  func unreadable() async throws {
    try await World.with { world in
      try world.configure("after: { success: delete }")
      try world.makeTree("t", ["a": "1", "secret": "2", "z": "3"], ready: false)
      chmod(world.scratch("in/t/secret"), 0)
      try world.scratch.write("", to: "in/t/.ready")
      let program = try await world.run("run", "--once", expecting: 1, wrapper: World.withoutPrivilege)
      #expect(
        program.lines().contains { $0.contains("in/t/secret") || $0.contains(" secret") }, "\(program.transcript)")
      #expect(try await world.keys() == ["pre/t/a", "pre/t/z"])
      #expect(try world.copies() == ["t/a", "t/z"])
      #expect(try world.scratch.files(below: "in").count == 4)
    }
  }

  @Test("A lost answer and a wrong checksum are sent again; nothing is taken for delivered that is not")
  func detected() async throws {
    let rules = [
      FaultRule.first("PUT", "pre/t/lost", .reset(.afterEffect)), .first("PUT", "pre/t/bad", .corrupt),
      .first("PUT", "pre/t/busy", .answer(status: 503, code: "SlowDown")), .first("PUT", "pre/t/cut", .cutAnswer),
      .first("PUT", "pre/t/odd", .wrongETag("d41d8cd98f00b204e9800998ecf8427e")),
    ]
    try await World.with(.scripted(rules)) { world in
      let names = ["bad", "busy", "cut", "lost", "odd"]
      try world.configure("after: { success: delete }", to: "[store]")
      try world.makeTree("t", Dictionary(uniqueKeysWithValues: names.map { ($0, "content of \($0)") }))
      let program = try await world.run("run", "--once")
      for name in names {
        let content = world.scripted?.object("pre/t/\(name)", in: world.bucket)?.content
        #expect(content == Array("content of \(name)".utf8), "\(name): \(program.transcript)")
      }
      #expect(!world.scratch.exists("in/t"))
    }
  }
}

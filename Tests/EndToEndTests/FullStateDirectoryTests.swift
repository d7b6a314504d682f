import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

private let canMount = SmallFileSystem.isAvailable

@Suite("A state directory that cannot be written", .needsBinary)
struct FullStateDirectoryTests {
  @Test(
    "fault 11: full while a tree is being sent: the service ends with 74 before all is sent, and the next one goes on",
    .enabled(if: canMount, "mounting needs root"))
  func fullInTheService() async throws {
    try await World.with(.scripted([.every("PUT", "pre/", .delay(.milliseconds(50)))])) { world in
      let server = try #require(world.scripted)
      let disk = try SmallFileSystem(kilobytes: 24 * 1024)
      try Self.configure(world, state: disk.path.appending("state"), to: "[store]")
      let service = try await world.startService()
      let names = (0..<4000).map { "f\($0)" }
      try world.makeTree("t", Dictionary(uniqueKeysWithValues: names.map { ($0, $0) }))
      #expect(await server.wait { $0.requests.count > 100 }, "\(service.transcript)")
      try disk.fill()
      try await service.expectEnd(.exited(74), upTo: World.bulkLimit)
      let told = "cannot write the ledger \(disk.path)/state/ledger.sqlite: database or disk is full; make room on"
      #expect(service.lines(.errors).filter { $0.contains(told) }.count == 1, "\(service.transcript)")
      #expect(server.requests.count < names.count, "it went on sending what it could not record")
      #expect(world.scratch.lines("log") == [] && world.scratch.exists("in/t/f0"))
      // Still full: nothing is begun, and nothing lost.
      let sent = server.requests.count
      try await world.run("run", "--once", "-q", expecting: 74, upTo: World.bulkLimit)
      #expect(server.requests.count - sent < names.count && world.scratch.exists("in/t/f0"))
      server.removeRules()
      disk.release()
      try await world.run("run", "--once", "-q", upTo: World.bulkLimit)
      #expect(server.keys(in: world.bucket).count == names.count)
      #expect(world.scratch.lines("log") == ["t"] && !world.scratch.exists("in/t"))
      let all = server.requests.count
      try await world.run("run", "--once", upTo: World.bulkLimit)
      #expect(server.requests.count == all)
    }
  }

  @Test(
    "fault 11: no room for what a hook is to be given: no hook runs, the process ends with 74",
    .enabled(if: canMount, "mounting needs root"), arguments: ["pre", "post"])
  func fullForTheRunsFiles(_ phase: String) async throws {
    try await World.with(.none) { world in
      let disk = try SmallFileSystem(kilobytes: 64)
      try world.configure(
        "hooks: { \(phase): [{ shell: 'echo $SLIPWAY_TREE_NAME >>\(world.scratch("log"))' }] }\nafter: { success: delete }",
        to: "[copy]")
      try world.scratch.makeDirectory("state")
      #expect(chmod(world.scratch("state"), 0o700) == 0)
      #expect(symlink(disk.path.description, world.scratch("state/runs")) == 0)
      try disk.fill()
      try world.makeTree("t", ["a": "1"])
      let program = try await world.run("run", "--once", expecting: 74)
      let told = "No space left on device; make room on the file system"
      #expect(program.lines(.errors).filter { $0.contains(told) }.count == 1, "\(program.transcript)")
      #expect(world.scratch.lines("log") == [] && world.scratch.exists("in/t/a"))
      disk.release()
      try await world.run("run", "--once")
      #expect(world.scratch.lines("log") == ["t"] && !world.scratch.exists("in/t"))
      #expect(try world.copies() == ["t/a"])
    }
  }

  @Test("fault 11: read-only: 74, nothing is sent; what only reads goes on reading")
  func readOnly() async throws {
    try await World.with(.none) { world in
      try world.configure("after: { success: delete }", to: "[copy]")
      try world.makeTree("first", ["a": "1"])
      try await world.run("run", "--once")
      try world.makeTree("t", ["a": "1"])
      for name in ["state/ledger.sqlite", "state/lock"] { #expect(chmod(world.scratch(name), 0o400) == 0) }
      #expect(chmod(world.scratch("state"), 0o500) == 0)
      let wrapper = World.withoutPrivilege
      let refused = try await world.run("run", "--once", expecting: 74, wrapper: wrapper)
      #expect(
        refused.lines() == [
          "slipway: cannot use the state directory \(world.scratch("state")): Permission denied; make it writable, or "
            + "choose another one"
        ])
      // The lock can be taken: then it is the file itself.
      #expect(chmod(world.scratch("state/lock"), 0o600) == 0)
      let unwritten = try await world.run("run", "--once", expecting: 74, wrapper: wrapper)
      #expect(unwritten.lines().first?.contains("the ledger") == true, "\(unwritten.transcript)")
      #expect(unwritten.lines().first?.contains("must be writable by the user") == true, "\(unwritten.transcript)")
      let runs = try await world.run("runs", "--json", wrapper: wrapper).objects()
      #expect(runs.count == 1 && world.scratch.exists("in/t/a"))
      #expect(try world.copies() == ["first/a"])
      #expect(chmod(world.scratch("state"), 0o700) == 0 && chmod(world.scratch("state/ledger.sqlite"), 0o600) == 0)
      try await world.run("run", "--once")
      #expect(try world.copies() == ["first/a", "t/a"])
    }
  }

  /// Like `World.configure`, with the state directory elsewhere.
  private static func configure(_ world: World, state: BytePath, to names: String) throws {
    try world.configure(
      "hooks: { post: [{ shell: 'echo $SLIPWAY_TREE_NAME >>\(world.scratch("log"))' }] }\nafter: { success: delete }",
      to: names)
    let file = String(decoding: try #require(world.scratch.read("workflows.yaml")), as: UTF8.self)
    try world.scratch.write(
      file.replacing("state_dir: ./state", with: "state_dir: \(state), transfers: 8"), to: "workflows.yaml")
  }
}

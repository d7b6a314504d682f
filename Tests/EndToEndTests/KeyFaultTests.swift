import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("Keys that no bucket should hold", .needsBinary)
struct KeyFaultTests {
  @Test("fault 34: a key over 1,024 bytes is caught before sending, and the tree's other files go on")
  func long() async throws {
    try await World.with(.scripted([])) { world in
      try world.configure(to: "[store]")
      let deep = Array(repeating: String(repeating: "d", count: 200), count: 5).joined(separator: "/")
      // With `pre/t/` in front: the longest key that S3 takes, and one byte more.
      let longest = deep + "/" + String(repeating: "f", count: 1024 - 6 - deep.utf8.count - 1)
      try world.makeTree("t", ["a": "1", longest: "2", longest + "f": "3"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(try await world.keys() == ["pre/t/a", "pre/t/" + longest])
      #expect(world.putCount() == 2)
      #expect(program.transcript.contains("the key has 1025 bytes, S3 allows 1024"), "\(program.transcript)")
    }
  }

  @Test(
    "fault 34: a prefix with '..' or '//' in the file is a problem of the file, and nothing is sent",
    arguments: ["a/../b", "a//b", "..", "."])
  func prefix(prefix: String) async throws {
    try await World.with(.scripted([])) { world in
      let sent = try #require(world.scripted).requests.count
      try world.makeTree("t", ["a": "1"])
      try world.configure("target_prefix: '\(prefix)'", to: "[store]")
      let ofTarget = try await world.run("run", "--once", expecting: 78)
      #expect(ofTarget.transcript.contains("workflows.yaml:"), "\(ofTarget.transcript)")
      let destinations = world.destinations().replacing("prefix: pre/", with: "prefix: '\(prefix)'")
      try world.configure(to: "[store]", destinations: destinations)
      try await world.run("run", "--once", expecting: 78)
      #expect(world.scripted?.requests.count == sent)
    }
  }

  @Test(
    "fault 34: a prefix that the environment or a pre hook makes is told in time, and nothing is sent",
    arguments: [
      ("target_prefix: 'a/{env.PART}/b'", Int32(78)),
      ("hooks: { pre: [{ pass_env: [PART], shell: 'echo target_prefix=$PART >$SLIPWAY_OUTPUT' }] }", 1),
    ], ["..", "x//y"])
  func made(by line: (text: String, code: Int32), part: String) async throws {
    try await World.with(.scripted([])) { world in
      let sent = try #require(world.scripted).requests.count
      try world.makeTree("t", ["a": "1"])
      try world.configure(line.text, to: "[store]")
      let program = try await world.run("run", "--once", expecting: line.code, environment: ["PART": part])
      #expect(program.transcript.contains("component"), "\(program.transcript)")
      #expect(world.scripted?.requests.count == sent)
    }
  }
}

import Foundation
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// What a hook was shown: the files of its manifest that lie there, and the objects.
private struct Shown: Sendable {
  var files: [String] = []
  var objects: [String] = []
  var name = ""
}

@Suite("Hooks that files of a queue share", .timeLimit(.minutes(1))) struct HookBatchTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld()
    world.makeQueue(batch: 4)
    world.set {
      $0.hooks = Hooks(pre: [.named("/pre")], post: [.named("/post"), .named("/failed", when: .failure)])
    }
  }

  private static func look(_ hook: HookInvocation) -> Shown {
    guard let text = FileManager.default.contents(atPath: hook.manifest.description),
      let json = try? JSONSerialization.jsonObject(with: text) as? [String: Any]
    else { return Shown() }
    let paths = (json["files"] as? [[String: Any]] ?? []).compactMap { $0["path"] as? String }
    let objects = (json["objects"] as? [[String: Any]] ?? []).compactMap { $0["path"] as? String }
    let name = hook.environment.first { $0.name == "SLIPWAY_TREE_NAME" }?.value ?? []
    return Shown(
      files: paths.filter { FileManager.default.fileExists(atPath: $0) }, objects: objects,
      name: String(decoding: name, as: UTF8.self))
  }

  private func starts(of program: String) -> [HookInvocation] {
    world.hooks.invocations.filter { $0.command == .program(BytePath(program), arguments: []) }
  }

  private func write(_ names: [String]) throws {
    for name in names { try world.directory.write(name, to: "in/\(name)") }
  }

  @Test("So many files share a start; its manifest has them all, and each run its record")
  func shared() async throws {
    try write((0..<10).map { "f\($0)" })
    let seen = Mutex<[Shown]>([])
    for hook in ["/pre", "/post"] {
      world.hooks.always(hook) { invocation in
        let look = Self.look(invocation)
        seen.withLock { $0.append(look) }
        return .success
      }
    }
    try await world.process()
    #expect(world.keys().count == 10 && world.names("completed").count == 10 && world.names("working").isEmpty)
    let all = seen.withLock { $0 }
    let (before, after) = (all.filter { $0.objects.isEmpty }, all.filter { !$0.objects.isEmpty })
    #expect(before.count == 3 && after.count == 3, "\(all)")
    #expect(before.map(\.files.count).sorted() == [2, 4, 4] && after.map(\.objects.count).sorted() == [2, 4, 4])
    #expect(Set(after.flatMap(\.objects)) == Set((0..<10).map { "f\($0)" }))
    #expect(all.allSatisfy { $0.name == "." })
    #expect(starts(of: "/post").allSatisfy { $0.directory == world.directory.path("working") })
    for number in 0..<10 {
      let run = try #require(try await world.latest("f\(number)"))
      let records = try await world.ledger.hooks(of: run.id)
      #expect(run.state == .done && records.count == 2 && records.allSatisfy { $0.succeeded && $0.attempt == 1 })
    }
  }

  @Test("What the pre hook appends to its output goes for all of them; what it writes into the files is sent")
  func output() async throws {
    try write(["x", "y"])
    world.hooks.always("/pre") { hook in
      let output = hook.environment.first { $0.name == "SLIPWAY_OUTPUT" }?.value ?? []
      _ = FileManager.default.createFile(
        atPath: String(decoding: output, as: UTF8.self), contents: Data("target_prefix=p\n".utf8))
      for path in Self.look(hook).files {
        let file = FileHandle(forWritingAtPath: path)
        file?.seekToEndOfFile()
        file?.write(Data("+".utf8))
        try? file?.close()
      }
      return .success
    }
    try await world.process()
    #expect(world.keys() == ["p/x", "p/y"])
    #expect(world.store().objects[ObjectKey("p/x")] == Array("x+".utf8))
  }

  @Test("75 defers all of them, 77 skips all, anything else fails the attempt of all", arguments: [75, 77, 1])
  func preHookEnds(code: Int32) async throws {
    try write(["x", "y", "z"])
    world.set { $0.retry = RetryPolicy(attempts: 2) }
    world.hooks.always("/pre") { _ in .exited(code) }
    let summary = try await world.process()
    #expect(world.keys().isEmpty)
    for name in ["x", "y", "z"] {
      let state = try await world.latest(name)?.state
      switch code {
      case 75: #expect(state?.name == "waiting")
      case 77: #expect(state == .skipped)
      default: #expect(state == .failed)
      }
    }
    #expect(summary.failed.count == (code == 1 ? 3 : 0))
    // Together, and then once more each.
    #expect(starts(of: "/pre").count == (code == 1 ? 4 : 1))
    #expect(starts(of: "/failed").count == (code == 1 ? 3 : 0))
    if code != 75 { #expect(world.names("working").isEmpty) }
  }

  @Test("A file that fails has its hooks to itself; the others do not wait for it")
  func oneFails() async throws {
    world.set { $0.retry = RetryPolicy(attempts: 1) }
    world.failAlways("y")
    try write(["x", "y", "z"])
    let seen = Mutex<[Shown]>([])
    world.hooks.always("/post") { hook in
      let look = Self.look(hook)
      seen.withLock { $0.append(look) }
      return .success
    }
    let summary = try await world.process()
    #expect(summary.failed == [world.tree("y")] && world.names("failed") == ["y"])
    #expect(seen.withLock { $0.map { $0.objects.sorted() } } == [["x", "z"]])
    #expect(starts(of: "/failed").count == 1)
  }

  @Test("A post hook that fails is started again for each, until it goes well")
  func postHookFails() async throws {
    try write(["x", "y"])
    world.hooks.enqueue { _ in .success }
    world.hooks.enqueue { _ in .exited(1) }
    try await world.process()
    #expect(starts(of: "/post").count == 3 && world.names("completed") == ["x", "y"])
    #expect(try await world.latest("x")?.state == .done)
    #expect(world.store().puts.count == 2)
  }
}

import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Hooks, one after another") struct HookStageTests {
  @Test("What the first pre hook writes to SLIPWAY_OUTPUT is there for the second, and goes to the objects")
  func outputOfTwo() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/one"), .named("/two")]) }
    for (name, line) in [("/one", "tag.a=1\n"), ("/two", "tag.b=2\n")] {
      world.hooks.always(name) { hook in
        let output = BytePath(hook.environment.last { $0.name == "SLIPWAY_OUTPUT" }?.value ?? [])
        let file = output.relative(to: world.directory.path) ?? .here
        let before = (try? world.directory.read(file)) ?? []
        _ = try? world.directory.write(before + Array(line.utf8), to: file)
        return .success
      }
    }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    #expect(world.store().puts.map(\.attributes.tags) == [["a": "1", "b": "2"]])
  }

  @Test("A second attempt begins with an empty SLIPWAY_OUTPUT")
  func outputOfSecondAttempt() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/one")]) }
    let left = Mutex(1)
    world.hooks.always("/one") { hook in
      let output = BytePath(hook.environment.last { $0.name == "SLIPWAY_OUTPUT" }?.value ?? [])
      let file = output.relative(to: world.directory.path) ?? .here
      #expect((try? world.directory.read(file)) == [])
      _ = try? world.directory.write(Array("tag.a=1\n".utf8), to: file)
      return left.withLock { left in
        left -= 1
        return left >= 0 ? .exited(1) : .success
      }
    }
    try world.makeReady("t", ["x": "1"])
    #expect(try await world.process().failed.count == 0)
  }

  @Test("A hook that talks without end gets so many lines of the log, and is told of once")
  func flood() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(post: [.named("/post")]) }
    let text = String(repeating: "again\n", count: HookLog.linesMax + 500)
    world.hooks.always("/post") { _ in .exited(0, output: text) }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    #expect(world.log.messages(at: .info).count { $0 == "/post: again" } == HookLog.linesMax)
    #expect(
      world.log.messages(at: .warning) == [
        "/post: it has written \(HookLog.linesMax) lines; what follows is not logged, the ledger keeps the end"
      ])
  }

  @Test("A process that must end starts no further hook", arguments: [Hook.Phase.pre, .post])
  func stopped(phase: Hook.Phase) async throws {
    let world = try EngineWorld()
    let hooks = [Hook.named("/one"), .named("/two")]
    world.set { $0.hooks = phase == .pre ? Hooks(pre: hooks) : Hooks(post: hooks) }
    let (started, stopped) = (Signal(), Signal())
    world.hooks.always("/one") { _ in
      started.send()
      await stopped.wait()
      return .success
    }
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process { orchestrator in
      await started.wait()
      // A look for more that the stop cuts short would count as well.
      while await !orchestrator.hasLookedAtAll { await Task.yield() }
      await orchestrator.stop()
      await orchestrator.stop()
      stopped.send()
    }
    #expect(summary.unfinished == 1)
    #expect(world.hooks.invocations.map(\.command) == [hooks[0].command])
    try await world.process()
    let again = phase == .pre ? hooks : [hooks[1]]
    #expect(world.hooks.invocations.dropFirst().map(\.command) == again.map(\.command))
  }
}

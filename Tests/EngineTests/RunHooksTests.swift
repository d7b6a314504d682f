import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Hooks around an upload") struct RunHooksTests {
  @Test("Pre hooks run before the plan is made, post hooks after everything has arrived")
  func order() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre")], post: [.named("/post")]) }
    world.hooks.always("/pre") { hook in
      #expect(world.store().puts.isEmpty)
      _ = try? world.directory.write("made", to: "in/t/made-by-hook")
      return .success
    }
    world.hooks.always("/post") { _ in
      #expect(world.keys() == ["t/made-by-hook", "t/x"])
      return .success
    }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    #expect(world.hooks.invocations.count == 2)
    #expect(try await world.latest("t")?.state == .done)
  }

  @Test("A hook is given the run's variables and what the file names, and no credentials")
  func environment() async throws {
    let world = try EngineWorld()
    var hook = Hook.named("/post")
    hook.environment = [EnvironmentVariable("TEAM", "ci")]
    world.set { [hook] in $0.hooks = Hooks(post: [hook]) }
    try world.makeReady("d/t", ["x": "1"])
    try await world.process()
    let invocation = try #require(world.hooks.invocations.first)
    let run = try #require(try await world.latest("d/t"))
    let names = invocation.environment.map(\.name)
    #expect(
      names == [
        "PATH", "TEAM", "SLIPWAY_HOOK", "SLIPWAY_WORKFLOW", "SLIPWAY_RUN_ID", "SLIPWAY_ATTEMPT", "SLIPWAY_MANIFEST",
        "SLIPWAY_STATE", "SLIPWAY_STATUS", "SLIPWAY_ERROR", "SLIPWAY_TREE", "SLIPWAY_TREE_NAME",
      ])
    func value(_ name: String) -> String? {
      invocation.environment.last { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
    }
    #expect(value("SLIPWAY_RUN_ID") == run.id.text)
    #expect(value("SLIPWAY_TREE") == world.directory.path("in/d/t").description)
    #expect(value("SLIPWAY_TREE_NAME") == "d/t")
    #expect(value("SLIPWAY_STATUS") == "success")
    #expect(value("SLIPWAY_ATTEMPT") == "1")
    #expect(invocation.directory == world.directory.path("in/d/t"))
  }

  @Test("A failed pre hook means no upload; when its attempts are used up the failure hooks run, once")
  func preFails() async throws {
    let world = try EngineWorld()
    world.set {
      $0.hooks = Hooks(
        pre: [.named("/pre")],
        post: [.named("/post"), .named("/failed", when: .failure), .named("/always", when: .always)])
    }
    world.hooks.always("/pre") { _ in .exited(3) }
    world.hooks.always("/failed") { _ in .exited(1) }
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process()
    #expect(summary.failed.count == 1)
    #expect(world.store().puts.isEmpty)
    #expect(started(world) == ["/pre", "/pre", "/pre", "/failed", "/always"])
    let run = try await world.latest("t")
    #expect(run?.state == .failed)
    #expect(run?.error == "pre hook /pre ended with 3")
  }

  @Test("Exit code 77 skips the tree, and nothing else runs")
  func skipped() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre"), .named("/never")], post: [.named("/post", when: .always)]) }
    world.hooks.always("/pre") { _ in .exited(77) }
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process()
    #expect(summary.failed.count == 0 && summary.unfinished == 0)
    #expect(started(world) == ["/pre"])
    #expect(try await world.latest("t")?.state == .skipped)
  }

  @Test("Exit code 75 defers the run without counting; --once leaves it, and the next one takes it up")
  func deferred() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre")], post: [.named("/post", when: .always)]) }
    world.hooks.enqueue(.exited(75))
    try world.makeReady("t", ["x": "1"])
    let first = try await world.process()
    #expect(first.failed.count == 0 && first.unfinished == 1)
    #expect(try await world.latest("t")?.failures == 0)
    #expect(started(world) == ["/pre"])
    let second = try await world.process()
    #expect(second.unfinished == 0)
    #expect(started(world) == ["/pre", "/pre", "/post"])
  }

  @Test("A post hook that fails is started again, alone, and what ended well never again")
  func postFails() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(post: [.named("/one"), .named("/two"), .named("/three")]) }
    let failures = Mutex(2)
    world.hooks.always("/two") { _ in
      failures.withLock { left in
        left -= 1
        return left >= 0 ? .exited(1) : .success
      }
    }
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process()
    #expect(summary.failed.count == 0)
    #expect(started(world) == ["/one", "/two", "/two", "/two", "/three"])
    #expect(attempts(world) == ["1", "1", "2", "3", "1"])
    #expect(world.store().puts.count == 1)
  }

  @Test("A post hook that never ends well makes the run fail, with everything delivered and nothing disposed of")
  func postFailsForGood() async throws {
    let world = try EngineWorld()
    world.set {
      $0.hooks = Hooks(post: [.named("/post"), .named("/failed", when: .failure)])
      $0.after = After(success: .delete)
    }
    world.hooks.always("/post") { _ in .exited(1) }
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process()
    #expect(summary.failed.count == 1)
    #expect(started(world) == ["/post", "/post", "/post", "/failed"])
    #expect(world.keys() == ["t/x"])
    #expect(try world.directory.list(BytePath("in/t")).count == 2)
  }

  @Test("What a post hook adds to a tree that is to be deleted is delivered first")
  func postAdds() async throws {
    let world = try EngineWorld()
    world.set {
      $0.hooks = Hooks(post: [.named("/post")])
      $0.after = After(success: .delete)
    }
    world.hooks.always("/post") { _ in
      _ = try? world.directory.write("late", to: "in/t/late")
      return .success
    }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    #expect(world.keys() == ["t/late", "t/x"])
    #expect(world.store().puts.count == 2)
    #expect(started(world) == ["/post"])
    #expect(try world.directory.list(BytePath("in")).isEmpty)
  }

  @Test("A marker made anew during the run leaves out 'after'")
  func markedAgain() async throws {
    let world = try EngineWorld()
    world.set {
      $0.hooks = Hooks(post: [.named("/post")])
      $0.after = After(success: .delete)
    }
    world.hooks.enqueue { _ in
      _ = try? world.directory.write("again", to: "in/t/.ready")
      return .success
    }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    #expect(try world.directory.list(BytePath("in/t")).count == 2)
    try await world.process()
    #expect(world.store().puts.count == 2)
    #expect(try world.directory.list(BytePath("in")).isEmpty)
  }

  @Test("What pre hooks write to SLIPWAY_OUTPUT goes to the objects")
  func output() async throws {
    let world = try EngineWorld()
    world.set {
      $0.targetPrefix = Template([.literal(Array("p".utf8))])
      $0.hooks = Hooks(pre: [.named("/pre")])
    }
    world.hooks.always("/pre") { hook in
      let output = hook.environment.last { $0.name == "SLIPWAY_OUTPUT" }?.value ?? []
      let name = BytePath(output).relative(to: world.directory.path) ?? .here
      _ = try? world.directory.write(Array("tag.a=b=c\nmetadata.Team=ci\ntarget_prefix=/v1/\n".utf8), to: name)
      return .success
    }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    #expect(world.keys() == ["p/v1/t/x"])
    #expect(
      world.store().puts.map(\.attributes) == [ObjectAttributes(tags: ["a": "b=c"], metadata: ["team": "ci"])])
  }

  @Test("The manifest that a post hook reads lists the objects, one a line")
  func manifest() async throws {
    let world = try EngineWorld(destinations: ["a", "b"])
    world.set { $0.hooks = Hooks(pre: [.named("/pre")], post: [.named("/post")]) }
    let texts = Mutex<[String]>([])
    let read: ScriptedHookRunner.Script = { hook in
      let name = hook.manifest.relative(to: world.directory.path) ?? .here
      let text = (try? world.directory.read(name)).map { String(decoding: $0, as: UTF8.self) } ?? "none"
      texts.withLock { $0.append(text) }
      return .success
    }
    world.hooks.always("/pre", read)
    world.hooks.always("/post", read)
    try world.makeReady("t", ["x\"y": "1"])
    try await world.process()
    let run = try #require(try await world.latest("t")).id.text
    let tree = world.directory.path("in/t").description
    let before = texts.withLock { $0[0] }
    #expect(
      before == """
        {"version":1,
        "run":"\(run)",
        "workflow":"w",
        "tree":"\(tree)",
        "attempt":1,
        "status":"",
        "error":"",
        "destinations":[{"name":"a","status":"none","error":""},{"name":"b","status":"none","error":""}],
        "objects":[
        ]}

        """)
    let lines = texts.withLock { $0[1] }.split(separator: "\n")
    #expect(lines.count == 12)
    #expect(lines[5] == "\"status\":\"success\",")
    #expect(
      lines[9].hasPrefix(#"{"destination":"a","path":"x\"y","key":"t/x\"y","url":"memory:t/x"y","size":1,"#) == false)
    #expect(lines[9].hasPrefix(#"{"destination":"a","path":"x\"y","key":"t/x\"y","#))
    #expect(lines[10].hasPrefix(#"{"destination":"b","path":"x\"y","#))
    #expect(lines[11] == "]}")
  }

  private func started(_ world: EngineWorld) -> [String] {
    world.hooks.invocations.map { hook in
      if case .program(let path, _) = hook.command { path.description } else { "" }
    }
  }

  private func attempts(_ world: EngineWorld) -> [String] {
    world.hooks.invocations.map { hook in
      String(decoding: hook.environment.last { $0.name == "SLIPWAY_ATTEMPT" }?.value ?? [], as: UTF8.self)
    }
  }
}

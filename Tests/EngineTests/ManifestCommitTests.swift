import Foundation
import SlipwayModel
import TestSupport
import Testing

@testable import Engine

@Suite("commit: manifest", .timeLimit(.minutes(1))) struct ManifestCommitTests {
  private let key = ObjectKey("t/manifest.json")

  private func world(_ destinations: [String] = ["a", "b"]) throws -> EngineWorld {
    let world = try EngineWorld(destinations: destinations)
    world.set { $0.commit = .manifest }
    return world
  }

  private func manifest(_ world: EngineWorld, at name: String = "a") throws -> [String: Any] {
    let content = try #require(world.store(name).objects[key])
    return try #require(try JSONSerialization.jsonObject(with: Data(content)) as? [String: Any])
  }

  private func files(_ world: EngineWorld) -> [ObjectKey] {
    (world.store("a").puts + world.store("b").puts).filter(\.wasAccepted).map(\.key).filter { $0 != key }
  }

  @Test("The manifest is the last object at each destination, and names all of them with the run's outcome")
  func last() async throws {
    let world = try world()
    try world.makeReady("t", ["x": "1", "z": "2"])
    try await world.process()
    for name in ["a", "b"] {
      #expect(world.keys(name) == ["t/manifest.json", "t/x", "t/z"])
      #expect(world.store(name).puts.last?.key == key && world.store(name).puts.count == 3)
      let manifest = try manifest(world, at: name)
      #expect(manifest["status"] as? String == "success")
      #expect(manifest["run"] as? String == (try await world.latest("t")?.id.text))
      let objects = try #require(manifest["objects"] as? [[String: Any]])
      #expect(objects.map { "\($0["destination"] ?? "") \($0["key"] ?? "")" } == ["a t/x", "b t/x", "a t/z", "b t/z"])
    }
    #expect(world.store().settlements == 2)
    #expect(try world.directory.list(BytePath("state/runs")).isEmpty)
  }

  @Test("Of the watched directory itself it lies under the target prefix")
  func root() async throws {
    let world = try world(["a"])
    world.set { $0.targetPrefix = Template([.literal(Array("p/".utf8))]) }
    try world.directory.write(["in/x": "1", "in/.ready": ""])
    try await world.process()
    #expect(world.keys() == ["p/manifest.json", "p/x"])
  }

  @Test("It carries what the objects carry of a pre hook's tags")
  func attributes() async throws {
    let world = try world(["a"])
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    world.hooks.always("/pre") { hook in
      let output = hook.environment.first { $0.name == "SLIPWAY_OUTPUT" }.map { BytePath($0.value) }
      let relative = output?.relative(to: world.directory.path) ?? .here
      _ = try? world.directory.write("tag.team=ci\n", to: relative.description)
      return .success
    }
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    #expect(world.store().puts.map(\.attributes.tags) == [["team": "ci"], ["team": "ci"]])
  }

  @Test("It says of each object whether it was sent or found equal, and so does the ledger")
  func sent() async throws {
    let world = try EngineWorld(keepsEqual: true)
    world.set { $0.commit = .manifest }
    for (content, sent) in [("1", [true, true]), ("2", [false, true])] {
      try world.makeReady("t", ["same": "1", "x": content])
      try await world.process()
      let objects = try #require(try manifest(world)["objects"] as? [[String: Any]])
      #expect(objects.map { $0["sent"] as? Bool } == sent)
      let counts = try await world.ledger.uploadCounts(of: #require(try await world.latest("t")).id)
      #expect(counts.values.map(\.found) == [sent.count { !$0 }])
      #expect(counts.values.map(\.proven) == [2])
    }
  }

  @Test("Where anything has failed, at whatever destination, there is none")
  func failed() async throws {
    let world = try world()
    world.store("b").fail(
      ObjectKey("t/x"), with: Failure(.permanent, "upload", "t/x", cause: "no"), times: .max)
    try world.makeReady("t", ["x": "1", "z": "2"])
    #expect(try await world.process().failed.count == 1)
    #expect(world.keys("a") == ["t/x", "t/z"] && world.keys("b") == ["t/z"])
  }

  @Test("One that could not be sent is sent again in the next attempt, and nothing else; then come the post hooks")
  func sentAgain() async throws {
    let world = try world()
    world.set { $0.hooks = Hooks(post: [.named("/post")]) }
    world.store("b").fail(key, with: Failure(.transient(retryAfter: nil), "upload", "m", cause: "503"))
    world.hooks.always("/post") { _ in
      #expect(world.store("b").objects[self.key] != nil)
      return .success
    }
    try world.makeReady("t", ["x": "1"])
    #expect(try await world.process().failed.isEmpty)
    #expect(files(world).count == 2)
    #expect(try await world.latest("t")?.attempt == 2)
    #expect(try manifest(world, at: "b")["attempt"] as? Int == 2)
    #expect(world.hooks.invocations.count == 1)
  }

  @Test("A new run replaces it, and until then the old one stays")
  func replaced() async throws {
    let world = try world(["a"])
    try world.makeReady("t", ["x": "1"])
    try await world.process()
    let first = world.store().objects[key]
    world.store().fail(ObjectKey("t/x"), with: Failure(.permanent, "upload", "t/x", cause: "no"))
    try world.makeReady("t", ["x": "2"])
    try await world.process()
    #expect(world.store().objects[key] == first)
    try world.makeReady("t", ["x": "3"])
    try await world.process()
    #expect(try manifest(world)["run"] as? String == (try await world.latest("t")?.id.text))
  }

  @Test("A file that would get its key is an error that names both")
  func sameKey() async throws {
    let world = try world(["a"])
    try world.makeReady("t", ["manifest.json": "{}", "d/manifest.json": "{}"])
    #expect(try await world.process().failed.count == 1)
    #expect(world.keys() == ["t/d/manifest.json"])
    #expect(
      try await world.latest("t")?.error
        == """
        cannot upload t/manifest.json: it and the manifest of the run ('commit: manifest') have the same key \
        t/manifest.json; exclude the file, or leave out 'commit'
        """)
  }

  /// Dies after each commit in turn, and starts again until a process gets through.
  @Test("Killed after any commit, a manifest stands only beside a whole tree, and the next process sends what lacks")
  func killedAnywhere() async throws {
    for commits in 0..<40 {
      let world = try world()
      world.set { $0.hooks = Hooks(pre: [.named("/pre")], post: [.named("/post")]) }
      try world.makeReady("t", ["x": "1", "d/y": "2"])
      let first = try await world.process(ledger: DyingLedger(world.ledger, commits: commits))
      for name in ["a", "b"] where world.keys(name).contains("t/manifest.json") {
        let whole: Set = ["t/d/y", "t/x"]
        #expect(whole.isSubset(of: world.keys("a")) && whole.isSubset(of: world.keys("b")), "after \(commits) commits")
      }
      let isUploaded = try await world.latest("t")?.outcome == .success
      let (sent, proven, manifests) = (files(world).count, try await proven(world), manifestPuts(world))
      #expect(!isUploaded || manifests == 1, "after \(commits) commits")
      #expect(try await world.process().failed.isEmpty, "after \(commits) commits")
      #expect(files(world).count == sent + 4 - proven, "after \(commits) commits")
      #expect(manifestPuts(world) == (isUploaded ? manifests : manifests + 1), "after \(commits) commits")
      for name in ["a", "b"] {
        #expect(world.keys(name) == ["t/d/y", "t/manifest.json", "t/x"])
        #expect(try manifest(world, at: name)["status"] as? String == "success")
      }
      if first.fatal == nil { return }
    }
    Issue.record("no process got through without dying")
  }

  private func manifestPuts(_ world: EngineWorld) -> Int {
    world.store("a").puts.filter { $0.key == key }.count
  }

  private func proven(_ world: EngineWorld) async throws -> Int {
    guard let run = try await world.latest("t") else { return 0 }
    return try await world.ledger.uploadCounts(of: run.id).values.reduce(0) { $0 + $1.proven }
  }
}

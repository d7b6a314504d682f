import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("A dry run") struct DryRunTests {
  private func lines(_ world: EngineWorld) async throws -> [String] {
    let dryRun = try DryRun(
      world.configuration, only: nil, ports: try world.ports(world.ledger), logger: world.log.logger)
    var lines: [String] = []
    _ = try await dryRun.run { line in
      switch line {
      case .tree(let tree): lines.append("tree \(tree.name)")
      case .failing(_, let path, let key, let destination): lines.append("fail \(path) \(destination) \(key)")
      case .item(_, let item, _): lines.append("\(item.path)")
      case .manifest(_, let key, _): lines.append("manifest \(key)")
      case .hook(_, let phase, let hook, let ending): lines.append("\(phase) \(hook.title) \(ending != nil)")
      case .difference(_, let finding): lines.append("\(finding)")
      case .problem(_, let failure): lines.append(failure.message)
      }
    }
    return lines
  }

  @Test("Tells each ready tree with its files and hooks, and sends nothing")
  func tells() async throws {
    let world = try EngineWorld()
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    try world.makeReady("t", ["x": "1"])
    #expect(try await lines(world) == ["tree t", "pre /pre false", ".ready", "x"])
    #expect(world.keys().isEmpty && world.hooks.invocations.isEmpty)
    #expect(await world.ledger.commits.isEmpty)
  }

  @Test("A hook that runs in it has a manifest, and one for failures does not run")
  func hooks() async throws {
    let world = try EngineWorld()
    var (post, failure) = (Hook.named("/post"), Hook.named("/failure", when: .failure))
    (post.runsInDryRun, failure.runsInDryRun) = (true, true)
    world.set { [post, failure] in $0.hooks = Hooks(post: [post, failure]) }
    world.hooks.always("/post") { hook in
      let manifest = hook.manifest.relative(to: world.directory.path) ?? .here
      #expect((try? world.directory.read(manifest))?.isEmpty == false)
      return .success
    }
    try world.makeReady("t", ["x": "1"])
    #expect(try await lines(world) == ["tree t", ".ready", "x", "post /post true"])
    #expect(world.hooks.invocations.count == 1)
    #expect(try world.directory.list(BytePath("state/runs")).isEmpty)
  }

  @Test("Two dry runs of one moment have a directory each")
  func directories() async throws {
    let world = try EngineWorld()
    var hook = Hook.named("/pre")
    hook.runsInDryRun = true
    world.set { [hook] in $0.hooks = Hooks(pre: [hook]) }
    for name in ["t", "u"] { try world.makeReady(name, ["x": "1"]) }
    _ = try await lines(world)
    #expect(Set(world.hooks.invocations.map(\.manifest)).count == 2)
  }

  @Test("The manifest comes last, and not at all where something cannot be uploaded")
  func manifest() async throws {
    let world = try EngineWorld()
    world.set { $0.commit = .manifest }
    try world.makeReady("t", ["x": "1"])
    #expect(try await lines(world) == ["tree t", ".ready", "x", "manifest t/manifest.json"])
    try world.makeReady("t", ["manifest.json": "1"])
    #expect(try await lines(world) == ["tree t", ".ready", "manifest.json", "x"])
  }

  @Test("A tree whose marker was answered without a run of its own is not told")
  func answered() async throws {
    let world = try EngineWorld()
    try world.makeReady("t", ["x": "1"])
    let marker = try #require(try world.files.marker(at: world.directory.path("in/t/.ready"))).identity
    try await world.ledger.commit([.answered(world.tree("t"), marker)])
    #expect(try await lines(world) == [])
  }
}

import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("Settings in a tree", .needsBinary)
struct TreeSettingsTests {
  private let key = "tree_settings: true"

  @Test("filter, exclude, target_prefix, tags and metadata of a tree count for it, within the workflow's own")
  func everything() async throws {
    try await World.with { world in
      try world.configure(
        """
        \(key)
        sidecar: .metadata
        filter: '\\.(csv|txt)$'
        target_prefix: '{workflow}'
        """)
      let settings = """
        filter: ['^data/', '\\.json$']   # no .json: the workflow takes none
        exclude: tmp
        target_prefix: '/{date:%Y}/${HOME}'
        tags: { from: tree, team: ci }
        metadata: { origin: tree }
        """
      try world.makeTree(
        "t",
        [
          ".slipway.yaml": settings, "data/a.csv": "1", "data/b.csv": "2", "data/b.metadata": #"{"from": "sidecar"}"#,
          "data/tmp.csv": "3", "data/c.json": "4", "other.txt": "5", "data/.slipway.yaml": "hooks: x",
        ])
      try world.makeTree("u", ["other.txt": "6"])
      try await world.run("run", "--once")
      let keys = ["w/u/other.txt", "w/{date:%Y}/${HOME}/t/data/a.csv", "w/{date:%Y}/${HOME}/t/data/b.csv"]
      #expect(try await world.keys() == keys.map { "pre/\($0)" })
      #expect(try world.copies() == keys)
      let objects = try await keys.asyncMap { key in
        let name = Array("pre/\(key)".utf8)
        return (
          tags: try await world.reader.tags(world.bucket, name),
          metadata: try await world.reader.get(world.bucket, name).metadata
        )
      }
      #expect(objects.map(\.tags) == [[:], ["from": "tree", "team": "ci"], ["from": "sidecar", "team": "ci"]])
      #expect(objects.map { $0.metadata["origin"] } == [nil, "tree", "tree"])
    }
  }

  @Test("What a pre hook makes of them counts, and what it says itself wins")
  func hooks() async throws {
    try await World.with { world in
      let hook = """
        printf 'tags: { a: tree, b: tree }\\ntarget_prefix: tree\\n' >.slipway.yaml; echo tag.b=hook >>"$SLIPWAY_OUTPUT"; \
        test ! -e hooked || echo target_prefix=hook >>"$SLIPWAY_OUTPUT"
        """
      try world.configure("\(key)\nhooks:\n  pre:\n    - shell: |\n        \(hook)", to: "[store]")
      try world.makeTree("t", ["x": "1"])
      try world.makeTree("u", ["x": "1", "hooked": ""])
      try await world.run("run", "--once")
      #expect(try await world.keys() == ["pre/hook/u/hooked", "pre/hook/u/x", "pre/tree/t/x"])
      let tags = try await world.reader.tags(world.bucket, Array("pre/tree/t/x".utf8))
      #expect(tags == ["a": "tree", "b": "hook"])
    }
  }

  @Test("Whatever else stands there is the tree's error for good, with line and column; the others go on")
  func refused() async throws {
    try await World.with(.none) { world in
      try world.configure("\(key)\nretry: { attempts: 5, backoff: 10ms..20ms }", to: "[copy]")
      try world.makeTree("bad", [".slipway.yaml": "tags: {}\nhooks: { pre: [x] }\n", "x": "1"])
      try world.makeTree("up", [".slipway.yaml": "target_prefix: ../../x\n", "x": "1"])
      try world.makeTree("good", [".slipway.yaml": "target_prefix: p\n", "x": "1"])
      let run = try await world.run("run", "--once", expecting: 1)
      #expect(try world.copies() == ["p/good/x"])
      let told = run.lines(.errors)
      let file = world.scratch("in/bad/.slipway.yaml")
      #expect(
        told.count {
          $0.contains(
            "run failed: cannot use \(file): line 2, column 1: unknown key 'hooks'; there are filter, exclude, "
              + "target_prefix, tags and metadata")
        } == 1, "\(run.transcript)")
      #expect(
        told.contains {
          $0.contains(
            "up/.slipway.yaml: line 1, column 16: target_prefix '../../x' has an empty, '.' or '..' component")
        }, "\(run.transcript)")
      try world.scratch.write("", to: "in/bad/.slipway.yaml")
      try world.scratch.remove("in/up/.slipway.yaml")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["bad/x", "p/good/x", "up/x"])
    }
  }

  @Test("A link in the place of the file is not followed, and told")
  func link() async throws {
    try await World.with(.none) { world in
      try world.configure(key, to: "[copy]")
      try world.scratch.write("target_prefix: elsewhere", to: "elsewhere")
      try world.makeTree("t", ["x": "1"], ready: false)
      #expect(symlink(world.scratch("elsewhere"), world.scratch("in/t/.slipway.yaml")) == 0)
      try world.scratch.write("", to: "in/t/.ready")
      let run = try await world.run("run", "--once")
      #expect(try world.copies() == ["t/x"])
      #expect(
        run.lines(.errors).contains { $0.contains("skipped .slipway.yaml: a symbolic link") }, "\(run.transcript)")
    }
  }

  @Test("A pattern that would never end is an error of the file within its limit")
  func backtracking() async throws {
    try await World.with(.none) { world in
      try world.configure(key, to: "[copy]")
      try world.makeTree(
        "t", [".slipway.yaml": "filter: '^(a+)+$'\n", String(repeating: "a", count: 250) + "b": "1", "aa": "2"])
      try await world.run("run", "--once", expecting: 1)
      #expect(try world.copies() == ["t/aa"])
    }
  }

  @Test("They are fixed with the plan: a run that goes on after its process died keeps them")
  func fixed() async throws {
    try await World.with(.none) { world in
      try world.configure(
        "\(key)\nhooks: { post: [{ shell: 'test -e \(world.scratch("go"))' }] }\ncommit: manifest", to: "[copy]")
      try world.makeTree(
        "t", [".slipway.yaml": "target_prefix: first\nfilter: ^x$\ntags: { k: v }\n", "x": "1", "y": "2"])
      try await world.run("run", "--once", expecting: 1)
      try world.scratch.write("target_prefix: second\n", to: "in/t/.slipway.yaml")
      try world.scratch.write("", to: "go")
      try await world.run("retry", "--failed", expecting: 0)
      try await world.run("run", "--once")
      #expect(try world.copies() == ["first/t/manifest.json", "first/t/x"])
    }
  }

  @Test("With 'settled' another file of settings makes the tree ready again, and one that stays does not")
  func settled() async throws {
    try await World.with(.none) { world in
      try world.configure(key, to: "[copy]", ready: "{ settled: 100ms }")
      try world.makeTree("t", [".slipway.yaml": "filter: ^x$\n", "x": "1", "y": "2"], ready: false)
      try await world.run("run", "--once")
      #expect(try world.copies() == ["t/x"])
      let idle = try await world.run("run", "--once")
      #expect(!idle.lines(.errors).contains { $0.contains("run started") }, "\(idle.transcript)")
      try world.scratch.write("filter: ^y$\n", to: "in/t/.slipway.yaml")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["t/x", "t/y"])
      try world.scratch.write("nonsense: 1\n", to: "in/t/.slipway.yaml")
      try await world.run("run", "--once", expecting: 1)
      try world.scratch.write("target_prefix: p\n", to: "in/t/.slipway.yaml")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["p/t/x", "p/t/y", "t/x", "t/y"])
    }
  }

  @Test("explain and --dry-run take them into account, and tell what is wrong with them")
  func told() async throws {
    try await World.with(.none) { world in
      try world.configure(key, to: "[copy]")
      try world.makeTree(
        "t", [".slipway.yaml": "filter: ^x$\ntarget_prefix: p\ntags: { k: v }\n", "x": "1", "y": "2"])
      let file = world.scratch("in/t/.slipway.yaml")
      let explained = try await world.run("explain", "in/t/x").lines(.output)
      for line in ["  taken     filter '^x$' (\(file):1:9)", "  key       copy: p/t/x", "  tag       k=v"] {
        #expect(explained.contains(line), "\(explained)")
      }
      try await world.run("explain", "in/t/y", expecting: 1)
      let own = try await world.run("explain", "in/t/.slipway.yaml", expecting: 1).lines(.output)
      #expect(own.contains("  skipped   the settings of a tree are not uploaded"), "\(own)")
      let dry = try await world.run("run", "--once", "--dry-run").lines(.output)
      #expect(dry.contains("  upload x -> copy: p/t/x (filter '^x$', \(file):1:9) (tags k=v)"), "\(dry)")
      #expect(dry.contains("  skip y: no pattern of filter matches"), "\(dry)")
      try world.scratch.write("after: delete\n", to: "in/t/.slipway.yaml")
      let wrong = try await world.run("explain", "in/t/x", expecting: 1).lines(.output)
      #expect(
        wrong.contains { $0.contains("  error     cannot use \(file): line 1, column 1: unknown key 'after'") },
        "\(wrong)")
      let dryWrong = try await world.run("run", "--once", "--dry-run", expecting: 1).lines(.output)
      #expect(dryWrong.contains { $0.contains("  error: cannot use \(file): line 1, column 1") }, "\(dryWrong)")
    }
  }

  @Test("Without the key the file is one like any other; with 'ready: closed' the key is refused")
  func without() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      try world.makeTree("t", [".slipway.yaml": "hooks: x", "x": "1"])
      try await world.run("run", "--once")
      #expect(try world.copies() == ["t/.slipway.yaml", "t/x"])
      try world.configure(key, to: "[copy]", ready: "closed")
      let refused = try await world.run("validate", expecting: 78).lines(.errors)
      #expect(refused.first?.contains("remove 'tree_settings'") == true, "\(refused)")
    }
  }
}

extension Array {
  fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try await transform(element)) }
    return results
  }
}

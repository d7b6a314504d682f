import Foundation
import Glibc
import TestSupport
import Testing

/// Whether the plugins in Python can be run.
private let hasPython = access("/usr/bin/python3", X_OK) == 0

@Suite("Plugins", .needsBinary, .enabled(if: hasPython, "there is no Python"))
struct PluginTests {
  private static let plugins = Readme.repository.appendingPathComponent("Tests/Fixtures/Plugins").path

  /// A destination `p` of one of the fixtures; its arguments are paths in the test's directory.
  private func plugin(_ name: String, _ arguments: String..., more: String = "proves: true") -> String {
    let words = ["\(Self.plugins)/\(name)"] + arguments
    return "destinations:\n  p: { type: plugin, command: [\(words.joined(separator: ", "))], \(more) }\n"
  }

  private func pids(_ world: World) -> [pid_t] { world.scratch.lines("faulty/pids").compactMap { pid_t($0) } }

  private func isGone(_ world: World) -> Bool { !pids(world).contains { World.isRunning($0) } }

  @Test("The example in Python takes a tree, proves it, and the tree goes")
  func python() async throws {
    try await World.with(.none) { world in
      try world.configure(
        "after: { success: delete }\ncommit: manifest", to: "[p]",
        destinations: plugin("directory", "./store", more: "proves: true, prefix: pre"))
      try world.makeTree("t", ["a b": "1", "d/\u{E9}$(x)\u{1}": "2", "e\u{301}": "3", "line\nfeed": ""])
      let first = try await world.run("run", "--once")
      let stored = try world.scratch.files(below: "store").map { String(decoding: $0, as: UTF8.self) }
      #expect(
        stored.map { Array($0.utf8) }
          == ["a b", "d/\u{E9}$(x)\u{1}", "e\u{301}", "line\nfeed", "manifest.json"].map { Array("pre/t/\($0)".utf8) },
        "\(first.transcript)")
      #expect(world.scratch.children("in") == [])
      let manifest = String(decoding: world.scratch.read("store/pre/t/manifest.json") ?? [], as: UTF8.self)
      #expect(manifest.contains(#""algorithm":"sha256""#) && manifest.contains(#""url":"plugin://p/pre/t/a%20b""#))
    }
  }

  @Test("A mirror in a plugin: files become directories, and the reverse; without 'delete' what is in the way is told")
  func mirror() async throws {
    try await World.with(.none) { world in
      func configure(_ rule: String) throws {
        try world.configure(to: "[p]", destinations: plugin("directory", "./store"))
        let file = String(decoding: try #require(world.scratch.read("workflows.yaml")), as: UTF8.self)
        try world.scratch.write(
          file.replacing("ready: { marker: .ready }", with: "mirror: \(rule)"), to: "workflows.yaml")
      }
      try configure("{ delete: true }")
      for name in ["a", "d/x/y", "d/z", "keep"] { try world.scratch.write(name, to: "in/\(name)") }
      try await world.run("run", "--once")
      for name in ["a", "d"] { try world.scratch.remove("in/\(name)") }
      for name in ["a/b/c", "d"] { try world.scratch.write("new", to: "in/\(name)") }
      try configure("{}")
      let kept = try await world.run("run", "--once", expecting: 1)
      #expect(
        kept.lines().contains { $0.contains("cannot upload d at the plugin of p: [Errno 21]") }, "\(kept.transcript)")
      try configure("{ delete: true }")
      try await world.run("run", "--once")
      let stored = try world.scratch.files(below: "store").map { String(decoding: $0, as: UTF8.self) }
      #expect(stored == ["a/b/c", "d", "keep"])
      try await world.run("verify", "w")
    }
  }

  @Test("The example in sh takes a tree, and what it cannot do is told")
  func shell() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[p]", destinations: plugin("drop", "./store"))
      try world.makeTree("t", ["a b": "1", "d/c": "2"])
      try await world.run("run", "--once")
      let stored = try world.scratch.files(below: "store").map { String(decoding: $0, as: UTF8.self) }
      #expect(stored == ["t/a%20b", "t/d/c"])
      let told = try await world.run("check", "p").lines(.output)
      #expect(told.prefix(2) == ["ok      p: plugin: it offers put", "ok      p: proof: it proves what it stores"])
    }
  }

  @Test("A name that is not UTF-8 fails, and the others go on (fault 14)")
  func notUTF8() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[p]", destinations: plugin("directory", "./store"))
      try world.scratch.write([1], toBytes: Array("in/t/a".utf8) + [0xFF])
      try world.makeTree("t", ["b": "1"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(
        program.lines(.errors).contains { $0.contains(#"cannot upload t/a\xff: the key is not UTF-8"#) },
        "\(program.transcript)")
      #expect(try world.scratch.files(below: "store") == [Array("t/b".utf8)])
    }
  }

  @Test("A signed upload to an HTTP API arrives, after the API was busy, and the secret is told nowhere")
  func media() async throws {
    try await World.with(.none) { world in
      try world.scratch.makeDirectory("kept")
      let api = try world.startProgram(["\(Self.plugins)/media-api", "the+shared/secret", world.scratch("kept")])
      let port = try #require(await api.line(containing: "port ")).dropFirst(5)
      try world.configure(
        "after: delete", to: "[p]",
        destinations: plugin(
          "media", "'http://127.0.0.1:\(port)/v1'", more: "proves: true, pass_env: [MEDIA_SECRET]"))
      try world.makeTree("t", ["film.mp4": "film", "text": "words"])
      let program = try await world.run("run", "--once", environment: ["MEDIA_SECRET": "the+shared/secret"])
      #expect(program.lines(.errors).contains { $0.contains("the API answers 503") }, "\(program.transcript)")
      #expect(world.scratch.read("kept/v1_t_film.mp4") == Array("film".utf8))
      #expect(world.scratch.read("kept/v1_t_text") == Array("words".utf8))
      #expect(!program.transcript.contains("shared/secret"))
      #expect(!world.scratch.exists("in/t"))
    }
  }

  @Test("Killed in the middle of 50 files it is started again, and what it had proven is not sent again")
  func killed() async throws {
    try await World.with(.none) { world in
      try world.configure("after: delete", to: "[p]", destinations: plugin("faulty", "midway", "./faulty"))
      let names = (0..<50).map { "f\($0)" }
      try world.makeTree("t", Dictionary(uniqueKeysWithValues: names.map { ($0, "content of \($0)") }))
      let program = try await world.run("run", "--once")
      #expect(program.lines(.errors).contains { $0.contains("was ended by signal 9") }, "\(program.transcript)")
      for name in names {
        #expect(world.scratch.read("faulty/objects/t%2F\(name)") == Array("content of \(name)".utf8))
      }
      // 20 were answered; of the next ones at most as many as it takes at once were lost.
      let puts = world.scratch.lines("faulty/puts")
      #expect(Set(puts) == Set(names.map { "t/\($0)" }))
      #expect(puts.count == 51)
      #expect(!world.scratch.exists("in/t"))
      #expect(pids(world).count == 2)
      #expect(isGone(world))
    }
  }

  @Test("A plugin that lies about what it holds proves nothing: the run fails, and the tree stays")
  func lies() async throws {
    try await World.with(.none) { world in
      try world.configure("after: delete", to: "[p]", destinations: plugin("faulty", "lies", "./faulty", "always"))
      try world.makeTree("t", ["a": "1"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(
        program.lines(.errors).contains { $0.contains("the plugin holds other bytes than it was given") },
        "\(program.transcript)")
      #expect(world.scratch.read("in/t/a") == Array("1".utf8))
    }
  }

  @Test("A service ends its plugin with it; a second signal kills one that hangs")
  func ends() async throws {
    for (fault, signals) in [("none", 1), ("hangs", 2)] {
      try await World.with(.none) { world in
        try world.configure(to: "[p]", destinations: plugin("faulty", fault, "./faulty"))
        let service = try await world.startService()
        try world.makeTree("t", ["a": "1"])
        let seen = fault == "none" ? "faulty/objects/t%2Fa" : "faulty/pids"
        #expect(await eventually { world.scratch.exists(seen) && !pids(world).isEmpty }, "\(service.transcript)")
        service.signal(SIGTERM)
        if signals > 1 {
          #expect(await service.line(containing: "stopping") != nil, "\(service.transcript)")
          service.signal(SIGTERM)
        }
        let ending = await service.end()
        #expect(ending == (fault == "none" ? .exited(0) : .exited(143)), "\(service.transcript)")
        #expect(await eventually { isGone(world) })
      }
    }
  }

  @Test("Killed with SIGKILL and started again, it converges, and no plugin is left")
  func crash() async throws {
    try await World.with(.none) { world in
      try world.configure("after: delete", to: "[p]", destinations: plugin("faulty", "none", "./faulty"))
      try world.makeTree("t", Dictionary(uniqueKeysWithValues: (0..<200).map { ("f\($0)", "\($0)") }))
      let service = try world.start("run", "--once")
      #expect(await eventually { world.scratch.lines("faulty/puts").count > 20 }, "\(service.transcript)")
      service.signal(SIGKILL)
      _ = await service.end()
      #expect(await eventually { isGone(world) })
      try await world.run("run", "--once")
      for number in 0..<200 {
        #expect(world.scratch.read("faulty/objects/t%2Ff\(number)") == Array("\(number)".utf8))
      }
      #expect(!world.scratch.exists("in/t"))
    }
  }
}

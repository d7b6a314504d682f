import Foundation
import TestSupport
import Testing

@Suite("run and its options", .needsBinary)
struct RunOptionTests {
  private func workflow(_ name: String, rest: String = "") -> String {
    "  \(name): { watch: ./in/\(name), ready: { marker: .ready }, destinations: [copy]\(rest) }\n"
  }

  private let head = """
    version: 1
    settings: { state_dir: ./state }
    destinations: { copy: { type: directory, path: ./outbox } }
    workflows:

    """

  @Test("--only takes the trees of that workflow; a name that there is not is a usage error")
  func only() async throws {
    try await World.with(.none) { world in
      try world.scratch.write(head + workflow("one") + workflow("two") + workflow("three"), to: "workflows.yaml")
      for name in ["one", "two", "three"] { try world.makeTree("\(name)/t-\(name)", ["a": "1"]) }
      try await world.run("run", "--once", "--only", "two")
      #expect(try world.copies() == ["t-two/a"])
      let usage = try await world.run("run", "--once", "--only", "four", expecting: 64)
      #expect(
        usage.lines(.errors).first == "Error: there is no workflow 'four'; there are one, two, three.",
        "\(usage.transcript)")
      try await world.run("run", "--once", "--only", "one", "--only", "three")
      #expect(try world.copies() == ["t-one/a", "t-three/a", "t-two/a"])
    }
  }

  @Test("--log json: every line is an object with time, level and message, and those of a run name it")
  func json() async throws {
    try await World.with(.none) { world in
      let tree = "t\n\u{1}\"🚢"
      try world.configure("hooks: { pre: [{ shell: 'printf \"\\001\\\"x\\n\"; echo to stderr >&2' }] }", to: "[copy]")
      try world.makeTree(tree, ["a\u{7F}": "1"])
      let program = try await world.run("run", "--once", "-v", "--log", "json")
      let lines = try program.objects(.errors)
      #expect(program.lines(.output) == [])
      #expect(lines.allSatisfy { $0["time"] is String && $0["level"] is String && $0["message"] is String })
      let ofRun = lines.filter { $0["run"] != nil }
      let messages = ofRun.compactMap { $0["message"] as? String }
      for part in ["run started", #"\x01"x"#, "to stderr", #"sent a\x7f"#, "run done"] {
        #expect(messages.contains { $0.contains(part) }, "\(part): \(program.transcript)")
      }
      #expect(Set(ofRun.compactMap { $0["run"] as? String }).count == 1)
      #expect(ofRun.allSatisfy { $0["workflow"] as? String == "w" })
      #expect(ofRun.allSatisfy { $0["tree"] as? String == world.scratch(#"in/t\n\x01"🚢"#) }, "\(program.transcript)")
    }
  }

  @Test("-q tells errors only, -v each file, and both are refused")
  func levels() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      #expect(try await world.run("run", "--once", "-q").lines() == [])
      try world.makeTree("u", ["a": "1"])
      let told = try await world.run("run", "--once", "-v").lines(.errors)
      #expect(told.contains { $0.contains(" debug: sent a ") }, "\(told)")
      try await world.run("run", "--once", "-q", "-v", expecting: 64)
    }
  }

  @Test("Of several -f later ones win key by key, and each is found from where it lies")
  func files() async throws {
    try await World.with(.none) { world in
      try world.scratch.write(head + workflow("one", rest: ", target_prefix: base"), to: "base.yaml")
      try world.scratch.makeDirectory("site/in")
      try world.scratch.write(
        "version: 1\ndestinations: { copy: { path: ./outbox } }\nworkflows: { one: { target_prefix: site } }\n",
        to: "site/site.yaml")
      try world.makeTree("one/t", ["a": "1"])
      try await world.run("run", "--once", "-f", "base.yaml")
      try world.makeTree("one/u", ["a": "1"])
      try await world.run("run", "--once", "-f", "base.yaml", "--file", "site/site.yaml")
      #expect(try world.copies() == ["base/t/a"])
      #expect(world.scratch.exists("site/outbox/site/u/a"))
      let missing = try await world.run("run", "--once", "-f", "base.yaml", "-f", "nowhere.yaml", expecting: 78)
      #expect(missing.lines(.errors).contains { $0.contains("nowhere.yaml") }, "\(missing.transcript)")
    }
  }

  @Test("Without -f: the working directory's file, then the user's, then none and a sentence that says so")
  func search() async throws {
    try await World.with(.none) { world in
      let none = try await world.run(expecting: 78, environment: ["XDG_CONFIG_HOME": world.scratch("config")])
      #expect(
        none.lines() == [
          "slipway: there is no workflow file; looked for ./workflows.yaml, "
            + "\(world.scratch("config/slipway/workflows.yaml")), /etc/slipway/workflows.yaml; "
            + "name one with -f, or use 'slipway watch'"
        ])
      try world.scratch.write("version: 1\n# the user's\n", to: ".config/slipway/workflows.yaml")
      let users = try await world.run("validate", expecting: 78).lines(.errors)
      #expect(users.first?.contains("/.config/slipway/workflows.yaml:") == true, "\(users)")
      let set = try await world.run(
        "validate", expecting: 78, environment: ["XDG_CONFIG_HOME": world.scratch("config")])
      #expect(set.lines(.errors).first?.contains("there is no workflow file") == true, "\(set.transcript)")
      try world.configure(to: "[copy]")
      #expect(try await world.run("validate").lines().first?.hasPrefix("./workflows.yaml: ") == true)
    }
  }

  @Test("The default verb is run")
  func defaultVerb() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      try await world.run("--once")
      #expect(try world.copies() == ["t/a"])
    }
  }
}

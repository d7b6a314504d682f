import Foundation
import TestSupport
import Testing

@Suite("hook run", .needsBinary)
struct HookRunVerbTests {
  private func withHook(_ script: String, _ body: (World) async throws -> Void) async throws {
    try await World.with(.none) { world in
      try world.scratch.write("#!/bin/sh\n\(script)\n", to: "hook", executable: true)
      try world.makeTree("t", ["a": "1"])
      try world.scratch.makeDirectory("tmp")
      try await body(world)
      #expect(try world.scratch.files(below: "tmp") == [], "what a hook by hand needs goes with it")
    }
  }

  @Test("The environment of a run, its arguments, the tree as directory, the manifest as stdin")
  func surroundings() async throws {
    try await withHook("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=; pwd; for a; do echo \"<$a>\"; done; cat") { world in
      let program = try await world.run(
        "hook", "run", "./hook", "--tree", "in/t", "--", "-x", "two words", "$(touch pwned)",
        environment: ["TMPDIR": world.scratch("tmp"), "AWS_SECRET_ACCESS_KEY": "nobody may see this"])
      let lines = program.lines(.output)
      let variables = lines.filter { $0.contains(#/^[A-Z_]+=/#) }.map { String($0.prefix { $0 != "=" }) }
      #expect(
        Set(variables) == [
          "PATH", "HOME", "LANG", "SLIPWAY_HOOK", "SLIPWAY_WORKFLOW", "SLIPWAY_RUN_ID", "SLIPWAY_ATTEMPT",
          "SLIPWAY_TREE",
          "SLIPWAY_TREE_NAME", "SLIPWAY_MANIFEST", "SLIPWAY_OUTPUT", "SLIPWAY_STATE",
        ])
      for line in [
        "SLIPWAY_HOOK=pre", "SLIPWAY_TREE=\(world.scratch("in/t"))", "SLIPWAY_TREE_NAME=t", "SLIPWAY_ATTEMPT=1",
        world.scratch("in/t"), "<-x>", "<two words>", "<$(touch pwned)>",
      ] {
        #expect(lines.contains(line), "\(line): \(program.transcript)")
      }
      let manifest = lines.drop { $0 != "{\"version\":1," }.joined()
      let value = try JSONSerialization.jsonObject(with: Data(manifest.utf8)) as? [String: Any]
      #expect(value?["tree"] as? String == world.scratch("in/t") && (value?["objects"] as? [Any])?.isEmpty == true)
      #expect(!world.scratch.exists("in/t/pwned") && !world.scratch.exists("pwned"))
    }
  }

  @Test("A post hook has its status, the manifest that it is given, and no output file")
  func post() async throws {
    try await withHook("echo \"$SLIPWAY_HOOK $SLIPWAY_STATUS ${SLIPWAY_OUTPUT-none} $SLIPWAY_WORKFLOW\"; cat") {
      world in
      try world.scratch.write("the manifest\n", to: "manifest")
      let program = try await world.run(
        "hook", "run", "./hook", "--tree", "in/t", "--phase", "post", "--status", "failure", "--manifest", "manifest",
        "--workflow", "nightly", environment: ["TMPDIR": world.scratch("tmp")])
      #expect(program.lines() == ["post failure none nightly", "the manifest"])
    }
  }

  @Test("0 is 0, 75 is 75, anything else is 1", arguments: [(0, Int32(0)), (75, 75), (77, 1), (1, 1), (255, 1)])
  func codes(_ code: Int, _ expected: Int32) async throws {
    try await withHook("exit $1") { world in
      let program = try await world.run(
        "hook", "run", "./hook", "--tree", "in/t", "--", "\(code)", expecting: expected,
        environment: ["TMPDIR": world.scratch("tmp")])
      #expect(program.lines() == (code == 0 ? [] : ["slipway: the hook ./hook ended with \(code)"]))
    }
  }

  @Test("What it wrote to SLIPWAY_OUTPUT is shown, escaped, and so is its output")
  func output() async throws {
    try await withHook("printf 'a\\033[2Jb\\n'; printf 'tag.x=1\\ntarget_prefix=\\033p\\n' >>\"$SLIPWAY_OUTPUT\"") {
      world in
      let program = try await world.run(
        "hook", "run", "./hook", "--tree", "in/t", environment: ["TMPDIR": world.scratch("tmp")])
      #expect(
        program.lines(.output) == [
          #"a\x1b[2Jb"#, "SLIPWAY_OUTPUT: tag.x=1", #"SLIPWAY_OUTPUT: target_prefix=\x1bp"#,
        ])
    }
  }

  @Test("A hook that is missing, may not be executed or takes too long, and a tree that is missing: 1, and why")
  func failures() async throws {
    try await withHook("exec sleep 1000") { world in
      let temporary = ["TMPDIR": world.scratch("tmp")]
      func told(_ hook: String, tree: String = "in/t") async throws -> [String] {
        try await world.run(
          "hook", "run", hook, "--tree", tree, "--timeout", "1s", expecting: 1, environment: temporary
        ).lines()
      }
      try world.scratch.write("#!/bin/sh\n", to: "plain")
      #expect(
        try await told("./missing") == [
          "slipway: the hook ./missing not started: no such file: \(world.scratch("missing"))"
        ])
      #expect(
        try await told("./plain") == [
          "slipway: the hook ./plain not started: not executable: \(world.scratch("plain"))"
        ])
      #expect(
        try await told("no-such-program")
          == ["slipway: the hook no-such-program not started: no such program in PATH: no-such-program"])
      #expect(
        try await told("./hook", tree: "gone")
          == ["slipway: the hook ./hook not started: no such directory: \(world.scratch("gone"))"])
      #expect(try await told("./hook") == ["slipway: the hook ./hook ended by its time limit"])
      try await world.run("hook", "run", "./hook", expecting: 64, environment: temporary)
    }
  }

  @Test("A time limit has a unit, and is above zero", arguments: ["1", "600", "0s", "-1s", "1 s"])
  func noDuration(_ limit: String) async throws {
    try await withHook("exit 0") { world in
      let refused = try await world.run(
        "hook", "run", "./hook", "--tree", "in/t", "--timeout=\(limit)", expecting: 64,
        environment: ["TMPDIR": world.scratch("tmp")])
      #expect(
        refused.lines(.errors).first
          == "Error: --timeout takes a duration above zero with a unit, as in 30s or 10m.", "\(refused.transcript)")
    }
  }
}

import Foundation
import TestSupport
import Testing

@Suite("validate", .needsBinary)
struct ValidateVerbTests {
  private static let wrong = #"""
    version: 1
    destinations:
      out: { type: directory, path: out }
    workflows:
      w:
        watch: nowhere
        ready: { marker: .ready }
        filtr: x
        exclude: '['
        destinations: [owt]
        hooks: { pre: [hooks/missing] }
    """#

  @Test("Every problem at once, each with its line and a caret, and exit code 78")
  func problems() async throws {
    try await World.with(.none) { world in
      try world.scratch.write(Self.wrong, to: "workflows.yaml")
      let program = try await world.run("validate", expecting: 78)
      #expect(program.lines(.output) == [])
      #expect(
        program.lines(.errors).joined(separator: "\n").replacingOccurrences(of: world.scratch.path, with: "$D") == #"""
          ./workflows.yaml:6:12: error: the watched directory '$D/nowhere' does not exist
              watch: nowhere
                     ^
          ./workflows.yaml:8:5: error: unknown key 'filtr'; did you mean 'filter'?
              filtr: x
              ^
          ./workflows.yaml:9:14: error: bad regular expression at offset 1: missing terminating ] for character class
              exclude: '['
                       ^
          ./workflows.yaml:10:20: error: unknown destination 'owt'; did you mean 'out'?
              destinations: [owt]
                             ^
          ./workflows.yaml:11:20: error: the hook '$D/hooks/missing' does not exist
              hooks: { pre: [hooks/missing] }
                             ^
          """#)
      let objects = try await world.run("validate", "--json", expecting: 78).objects()
      #expect(objects.map { $0["line"] as? Int } == [6, 8, 9, 10, 11])
      #expect(objects.map { $0["column"] as? Int } == [12, 5, 14, 20, 20])
      #expect(
        objects.allSatisfy { $0["file"] as? String == "./workflows.yaml" && $0["severity"] as? String == "error" })
      #expect(objects[1]["message"] as? String == "unknown key 'filtr'; did you mean 'filter'?")
    }
  }

  @Test("Tests that fail are told with what would become of the path")
  func failingTests() async throws {
    try await World.with(.none) { world in
      try world.configure(
        """
        exclude: 'x$'
        target_prefix: p
        tests:
          - { path: a/b, key: p/a/b }
          - { path: a/b, key: q/a/b }
          - { path: a/x, key: p/a/x }
          - { path: a/y, skip: exclude }
          - { path: a/.ready, skip: exclude }
        """)
      let program = try await world.run("validate", expecting: 78)
      #expect(
        program.lines(.errors) == [
          "./workflows.yaml:23:9: error: test failed: a/b gets the key 'p/a/b', not 'q/a/b'",
          "./workflows.yaml:24:9: error: test failed: a/x is skipped: exclude 'x$' (./workflows.yaml:19:14)",
          "./workflows.yaml:25:9: error: test failed: a/y is taken, with the key 'p/a/y'",
          "./workflows.yaml:26:9: error: test failed: a/.ready is skipped for marker, not for exclude",
        ])
      #expect(try await world.run("validate", "--json", expecting: 78).objects().count == 4)
    }
  }

  @Test("A file that is right: how much is in it; nothing with -q, nothing with --json")
  func right() async throws {
    try await World.with(.none) { world in
      try world.configure("tests: [{ path: a/b, key: a/b }]")
      let told = try await world.run("validate").lines()
      #expect(told == ["./workflows.yaml: 1 workflow, 2 destinations, 1 test: nothing wrong"])
      #expect(try await world.run("validate", "-q").lines() == [])
      #expect(try await world.run("validate", "--json").lines() == [])
      #expect(!world.scratch.exists("state") && !world.scratch.exists("outbox"), "it only looks")
    }
  }

  /// Each ends with 78, with the position and within bounds.
  static let files: [(text: String, expected: String)] = [
    ("version: 1\nversion: 1\n", "workflows.yaml:2:1: error: "),
    ("version: 1\nsettings:\n\ttransfers: 1\n", "workflows.yaml:3:"),
    ("version: 1\nsettings: { transfers: no }\n", "workflows.yaml:2:24: error: "),
    ("version: 1\nsettings: [1]\n", "workflows.yaml:2:11: error: expected a mapping, found a list"),
    ("version: 1\nsettings: { transfer: 1 }\n", "unknown key 'transfer'; did you mean 'transfers'?"),
    (bomb, "workflows.yaml:"),
    ("version: 1\n#" + String(repeating: "x", count: 10 << 20), "workflows.yaml:1:1: error: "),
    ("version: 1\nsettings: " + String(repeating: "[", count: 100_000), "workflows.yaml:2:"),
    ("", "workflows.yaml:1:1: error: the file is empty"), ("\u{0}\u{1}", "workflows.yaml:1:1: error: "),
  ]

  /// Nine levels of nine aliases: 387 million nodes if somebody expanded them.
  private static let bomb =
    "version: 1\na: &a0 [x,x,x,x,x,x,x,x,x]\n"
    + (1...9).map { level in
      "b\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
    }.joined()

  @Test("Duplicate key, tab, a word for a number, wrong type, alias bomb, 10 MB, depth: a position, and an end")
  func hostileFiles() async throws {
    try await World.with(.none) { world in
      for (text, expected) in Self.files {
        try world.scratch.write(text, to: "workflows.yaml")
        let program = try await world.run("validate", expecting: 78)
        #expect(
          program.lines(.errors).contains { $0.contains(expected) }, "\(expected): \(program.transcript.prefix(2000))")
        #expect(program.transcript.utf8.count < 100_000)
      }
    }
  }
}

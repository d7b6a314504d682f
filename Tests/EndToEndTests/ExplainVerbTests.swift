import Foundation
import TestSupport
import Testing

@Suite("explain", .needsBinary)
struct ExplainVerbTests {
  /// A world with one workflow, `w`; the files need not exist.
  private func withWorld(_ body: (World) async throws -> Void) async throws {
    try await World.with(.none) { world in
      try world.configure(
        """
        filter: ['\\.txt$', '\\.json$']
        exclude: '(^|/)\\.git/'
        target_prefix: 'p/{workflow}'
        hooks: { pre: [hooks/first], post: [{ run: [hooks/last, --now], when: always }] }
        after: { success: delete }
        commit: manifest
        """)
      for hook in ["first", "last"] { try world.scratch.write("#!/bin/sh\n", to: "hooks/\(hook)", executable: true) }
      try await body(world)
    }
  }

  @Test("What is taken: tree, the line of the filter, a key a destination, hooks and what comes after")
  func taken() async throws {
    try await withWorld { world in
      try world.makeTree("a", ["x.json": "1"])
      let here = world.scratch.path
      #expect(
        try await world.run("explain", "in/a/x.json").lines(.output) == [
          "\(here)/in/a/x.json", "  workflow  w (./workflows.yaml:13:3), watching \(here)/in",
          "  tree      a (marked by \(here)/in/a/.ready)", #"  taken     filter '\.json$' (./workflows.yaml:19:24)"#,
          "  key       store: pre/p/w/a/x.json", "  key       copy: p/w/a/x.json",
          "  manifest  store: pre/p/w/a/manifest.json", "  manifest  copy: p/w/a/manifest.json",
          "  pre hook  \(here)/hooks/first (./workflows.yaml:22:20)",
          "  post hook \(here)/hooks/last, on always (./workflows.yaml:22:41)",
          "  after     success: delete; failure: keep",
        ])
    }
  }

  @Test("What is left out: the line that decided, and exit code 1; and what is not ready yet")
  func skipped() async throws {
    try await withWorld { world in
      try world.makeTree("a", [:])
      symlink("x", world.scratch("in/a/link.txt"))
      mkfifo(world.scratch("in/a/fifo.txt"), 0o644)
      let expected = [
        "in/a/.git/x.txt": #"  skipped   exclude '(^|/)\.git/' (./workflows.yaml:20:14)"#,
        "in/a/x.log": "  skipped   no pattern of filter matches",
        "in/a/.ready": "  skipped   a marker is never uploaded",
        "in/a/link.txt": "  skipped   a symbolic link",
        "in/a/fifo.txt":
          "  skipped   not a regular file",
        "workflows.yaml": "  lies under no watched directory", "/": "  lies under no watched directory",
      ]
      for (path, line) in expected {
        let program = try await world.run("explain", path, expecting: 1)
        #expect(program.lines(.output).last == line, "\(program.transcript)")
      }
      let unready = try await world.run("explain", "in/b/c/x.txt")
      #expect(unready.lines(.output).contains("  tree      b/c (not ready: there is no .ready in it)"))
    }
  }

  @Test("With --json one object a workflow says the same")
  func json() async throws {
    try await withWorld { world in
      try world.makeTree("a", [:])
      let taken = try #require(try await world.run("explain", "in/a/n\u{1}\"x.txt", "--json").objects().first)
      #expect(taken["path"] as? String == world.scratch("in/a/n\u{1}\"x.txt"))
      #expect(taken["workflow"] as? String == "w" && taken["tree"] as? String == world.scratch("in/a"))
      #expect(taken["marked"] as? Bool == true && taken["taken"] as? Bool == true)
      let decision = try #require(taken["decision"] as? [String: Any])
      #expect(decision["filter"] as? String == "./workflows.yaml:19:14")
      #expect((decision["keys"] as? [[String: String]])?.map { $0["destination"] } == ["store", "copy"])
      #expect((decision["keys"] as? [[String: String]])?.first?["key"] == "pre/p/w/a/n\u{1}\"x.txt")

      #expect((decision["manifest"] as? [[String: String]])?.map { $0["key"] }.last == "p/w/a/manifest.json")

      let skipped = try await world.run("explain", "in/b/.git/x.txt", "--json", expecting: 1).objects()
      #expect(skipped.count == 1 && skipped.first?["marked"] as? Bool == false)
      #expect((skipped.first?["decision"] as? [String: String])?["skip"] == "exclude")
      #expect(try await world.run("explain", "workflows.yaml", "--json", expecting: 1).objects().isEmpty)
    }
  }

  @Test("A directory has its tree, hooks and what comes after, but no key; the watched directory, too")
  func directories() async throws {
    try await withWorld { world in
      try world.makeTree("a/b", ["x.txt": "1"])
      let expected = [
        "in/a/b": "  tree      a/b (marked by \(world.scratch("in/a/b/.ready")))",
        "in/a": "  tree      a (not ready: there is no .ready in it)",
        "in": "  tree      . (not ready: there is no .ready in it)",
      ]
      for (path, tree) in expected {
        let lines = try await world.run("explain", path).lines(.output)
        #expect(lines.contains(tree) && !lines.contains { $0.contains(" key ") }, "\(lines)")
        #expect(lines.contains("  directory name a file in it to see what becomes of it"))
      }
      let object = try #require(try await world.run("explain", "in/a/b", "--json").objects().first)
      #expect(object["tree"] as? String == world.scratch("in/a/b"))
      #expect((object["decision"] as? [String: Bool]) == ["directory": true])
    }
  }

  @Test("A name that its filter cannot judge in bounded time is an error, not a no")
  func beyondLimit() async throws {
    try await World.with(.none) { world in
      try world.configure("filter: '(a+)+$'", to: "[copy]")
      let program = try await world.run("explain", "in/t/\(String(repeating: "a", count: 250))!", expecting: 1)
      let line = program.lines(.output).last ?? ""
      #expect(line.hasPrefix("  error") && line.contains("more than 1000000 steps"), "\(program.transcript)")
    }
  }
}

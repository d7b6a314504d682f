import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("Sidecar files", .needsBinary)
struct SidecarTests {
  private func tags(_ world: World, _ key: String) async throws -> [String: String] {
    try await world.reader.tags(world.bucket, Array(key.utf8))
  }

  @Test("x.metadata gives the tags of x.*; it wins over the destination, a pre hook wins over it")
  func tags() async throws {
    try await World.with { world in
      let destinations = world.destinations().replacingOccurrences(
        of: "    prefix: pre/\n",
        with: "    prefix: pre/\n    tags: { from: destination, team: destination, kept: 'yes' }\n")
      try world.configure(
        "sidecar: .metadata\nhooks: { pre: [{ shell: 'echo tag.from=hook >>\"$SLIPWAY_OUTPUT\"' }] }",
        destinations: destinations)
      try world.makeTree(
        "t",
        [
          "data.metadata": #"{"from": "sidecar", "team": "ci & co/é=+", "build": 17, "main": true}"#,
          "data.csv": "1", "data.tar.gz": "2", "data": "3", "other.csv": "4", "none.metadata": "", "none.csv": "5",
        ])
      try await world.run("run", "--once")
      #expect(
        try await world.keys()
          == ["data", "data.csv", "data.tar.gz", "none.csv", "other.csv"].map { "pre/t/\($0)" })
      let all = ["from": "hook", "team": "ci & co/é=+", "build": "17", "main": "true", "kept": "yes"]
      for name in ["data.csv", "data.tar.gz"] { #expect(try await tags(world, "pre/t/\(name)") == all, "\(name)") }
      for name in ["data", "other.csv", "none.csv"] {
        #expect(
          try await tags(world, "pre/t/\(name)") == ["from": "hook", "team": "destination", "kept": "yes"], "\(name)")
      }
      #expect(try world.copies() == ["t/data", "t/data.csv", "t/data.tar.gz", "t/none.csv", "t/other.csv"])
    }
  }

  @Test("A file too large for one request has the tags of its sidecar, too")
  func parts() async throws {
    try await World.with(.scripted([])) { world in
      let destinations = world.destinations().replacingOccurrences(
        of: "    prefix: pre/\n", with: "    prefix: pre/\n    multipart_threshold: 5MiB\n    part_size: 5MiB\n")
      try world.configure("sidecar: .metadata", to: "[store]", destinations: destinations)
      try world.makeTree(
        "t", ["x.metadata": #"{"k": "v"}"#, "x.bin": String(repeating: "0123456789abcdef", count: 400_000)])
      try await world.run("run", "--once")
      let begun = try #require(world.scripted?.requests.first { $0.method == "POST" })
      #expect(begun.header("x-amz-tagging") == "k=v" && begun.keyText == "pre/t/x.bin")
    }
  }

  @Test(
    "A sidecar that is no flat object, or too large, fails its files for good; the others go on, and it is told once each"
  )
  func broken() async throws {
    try await World.with { world in
      try world.configure("sidecar: .metadata\nretry: { attempts: 5, backoff: 10ms..20ms }", to: "[store]")
      try world.makeTree(
        "t",
        [
          "bad.metadata": "{\"k\": [1]}", "bad.csv": "1", "good.csv": "2",
          "huge.metadata": "{\"k\": \"" + String(repeating: "x", count: 70_000) + "\"}", "huge.csv": "3",
        ])
      let run = try await world.run("run", "--once", expecting: 1)
      #expect(try await world.keys() == ["pre/t/good.csv"])
      let bad =
        "cannot upload t/bad.csv: its sidecar t/bad.metadata: line 1, column 7: the value of 'k' is an array; "
        + "correct the sidecar, or remove it"
      let errors = run.lines(.errors)
      #expect(errors.count { $0.contains(" error: \(bad)") && !$0.contains("run failed") } == 1, "\(run.transcript)")
      #expect(errors.contains { $0.contains("huge.metadata: it has more than 65536 bytes") }, "\(run.transcript)")
      try world.scratch.write("{\"k\": \"v\"}", to: "in/t/bad.metadata")
      try world.scratch.remove("in/t/huge.metadata")
      try await world.run("run", "--once")
      #expect(try await world.keys() == ["bad", "good", "huge"].map { "pre/t/\($0).csv" })
      #expect(try await tags(world, "pre/t/bad.csv") == ["k": "v"])
    }
  }

  @Test("A link in the place of a sidecar is not followed, and told")
  func link() async throws {
    try await World.with { world in
      try world.configure("sidecar: .metadata", to: "[store]")
      try world.scratch.write("{\"secret\": \"x\"}", to: "elsewhere")
      try world.makeTree("t", ["x.csv": "1"], ready: false)
      #expect(symlink(world.scratch("elsewhere"), world.scratch("in/t/x.metadata")) == 0)
      try world.scratch.write("", to: "in/t/.ready")
      let run = try await world.run("run", "--once")
      #expect(try await tags(world, "pre/t/x.csv") == [:])
      #expect(run.lines(.errors).contains { $0.contains("skipped x.metadata: a symbolic link") }, "\(run.transcript)")
    }
  }

  @Test("With 'settled' a sidecar alone makes its tree ready again, and only its files are sent again")
  func settled() async throws {
    try await World.with(.scripted([])) { world in
      try world.configure("sidecar: .metadata", to: "[store]", ready: "{ settled: 100ms }")
      try world.makeTree("t", ["x.csv": "1", "y.csv": "2", "x.metadata": "{\"k\": 1}"], ready: false)
      try await world.run("run", "--once")
      #expect(world.putCount() == 2)
      try world.scratch.write("{\"k\": 2}", to: "in/t/x.metadata")
      try await world.run("run", "--once")
      #expect(world.putCount("x.csv") == 2 && world.putCount("y.csv") == 1)
      #expect(world.scripted?.requests.last { $0.method == "PUT" }?.header("x-amz-tagging") == "k=2")
      try await world.run("run", "--once")
      #expect(world.putCount() == 3)
    }
  }

  @Test("After delivery what was sent is deleted; a sidecar, of which no destination has proven anything, stays")
  func deletes() async throws {
    try await World.with { world in
      try world.configure("sidecar: .metadata\nafter: delete", to: "[store]")
      try world.makeTree("t", ["x.csv": "1", "x.metadata": "{\"k\": 1}"])
      try await world.run("run", "--once")
      #expect(try world.scratch.files(below: "in") == [Array("t/x.metadata".utf8)])
    }
  }

  @Test("explain and --dry-run show the tags, and why there are none")
  func told() async throws {
    try await World.with(.none) { world in
      try world.configure("sidecar: .metadata", to: "[copy]")
      try world.makeTree("t", ["x.csv": "1", "x.metadata": "{\"b\": 1, \"a\": 2}", "y.csv": "1", "y.metadata": "{"])
      let explained = try await world.run("explain", "in/t/x.csv").lines(.output)
      #expect(explained.contains("  tag       a=2") && explained.contains("  tag       b=1"), "\(explained)")
      let sidecar = try await world.run("explain", "in/t/x.metadata", expecting: 1)
      #expect(
        sidecar.lines(.output).contains(
          "  skipped   a sidecar gives the tags of the files beside it, and is not uploaded"))
      let dry = try await world.run("run", "--once", "--dry-run", expecting: 1).lines(.output)
      #expect(dry.contains("  upload x.csv -> copy: t/x.csv (tags a=2, b=1)"), "\(dry)")
      #expect(
        dry.contains(
          "  error: cannot upload t/y.csv: its sidecar t/y.metadata: line 1, column 2: expected a name in quotes; "
            + "correct the sidecar, or remove it"), "\(dry)")
    }
  }

  @Test("A workflow whose destinations keep no tags is warned of; an extension needs its dot")
  func validated() async throws {
    try await World.with(.none) { world in
      try world.configure("sidecar: .metadata", to: "[copy]")
      let warned = try await world.run("validate").lines(.errors)
      #expect(
        warned.first?.hasSuffix("warning: no destination of the workflow keeps the tags that a sidecar gives") == true,
        "\(warned)")
      for name in ["metadata", ".", "..", ".a/b", "''"] {
        try world.configure("sidecar: \(name)", to: "[copy]")
        let refused = try await world.run("validate", expecting: 78).lines(.errors)
        #expect(
          refused.first?.contains("error: expected an extension such as '.metadata', found ") == true, "\(refused)")
      }
    }
  }
}

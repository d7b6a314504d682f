import Foundation
import TestSupport
import Testing

@Suite("The end of an intake", .needsBinary)
struct StopTests {
  @Test("The stop marker lets finish what was ready before it, ends the service, and is never removed")
  func completes() async throws {
    try await World.with { world in
      try world.configure("stop: { marker: .complete, abort: .abort }", to: "[copy]")
      let service = try await world.startService()
      try world.makeTree("t", ["a": "1"])
      try world.scratch.write("", to: "in/.complete")
      try await service.expectEnd(.exited(0))
      #expect(try world.copies() == ["t/a"])
      #expect(world.scratch.exists("in/.complete"))
    }
  }

  @Test("A stop marker that lies there at the start counts, too")
  func completesAtOnce() async throws {
    try await World.with { world in
      try world.configure("stop: { marker: .complete }", to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      try world.scratch.write("", to: "in/.complete")
      try await world.run("run")
      #expect(try world.copies() == ["t/a"])
    }
  }

  @Test("Deeper down it is a file like any other")
  func deeper() async throws {
    try await World.with { world in
      try world.configure("stop: { marker: .complete }", to: "[copy]")
      let service = try await world.startService()
      try world.makeTree("t", [".complete": "1"])
      #expect(await eventually { world.scratch.exists("outbox/t/.complete") }, "\(service.transcript)")
      #expect(!service.hasEnded)
    }
  }

  @Test("The abort marker takes no further tree")
  func aborts() async throws {
    try await World.with { world in
      try world.configure("stop: { marker: .complete, abort: .abort }", to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      try world.scratch.write("", to: "in/.abort")
      try await world.run("run")
      #expect(try world.copies() == [])
      #expect(world.scratch.exists("in/t/a"))
    }
  }

  @Test("A count of trees ends the service, whatever their end; a deferred one gives its place back")
  func counts() async throws {
    try await World.with { world in
      let hook =
        "test -e no || exit 0; test -e \(world.scratch("late")) || { touch \(world.scratch("late")); exit 75; }"
      try world.configure(
        "stop: { count: 2 }\nhooks: { pre: [{ shell: '\(hook)' }] }", to: "[copy]", settings: "trees: 1")
      let service = try await world.startService()
      try world.makeTree("t1", ["no": "1"])
      #expect(await eventually { world.scratch.exists("late") }, "\(service.transcript)")
      try world.makeTree("t2", ["a": "1"])
      try await service.expectEnd(.exited(0))
      try world.makeTree("t3", ["a": "1"])
      #expect(try world.copies() == ["t1/no", "t2/a"])
    }
  }

  @Test("Failed trees count, too, and their end is the exit code; a complete marker under a count does no harm")
  func countsFailed() async throws {
    try await World.with(.none) { world in
      try world.configure(
        "stop: { count: 2 }\nhooks: { pre: [{ shell: 'test ! -e fails' }] }", to: "[copy]", settings: "trees: 1")
      try world.scratch.write("", to: "in/.complete")
      let service = try await world.startService()
      try world.makeTree("t1", ["fails": "1"])
      #expect(await service.line(containing: "run failed") != nil, "\(service.transcript)")
      try world.makeTree("t2", ["a": "1"])
      try await service.expectEnd(.exited(1))
      #expect(try world.copies() == ["t2/a"])
      #expect(world.scratch.exists("in/.complete"), "it is not ours")
    }
  }

  @Test("Trees beyond the count stay as they are, for the next process")
  func beyondCount() async throws {
    try await World.with(.none) { world in
      try world.configure("stop: { count: 1 }", to: "[copy]")
      for name in ["t1", "t2", "t3"] { try world.makeTree(name, ["a": "1"]) }
      for delivered in 1...3 {
        try await world.run("run")
        #expect(try world.copies().count == delivered)
      }
    }
  }

  @Test(
    "A count is 1 or more, and does not stand beside markers",
    arguments: [
      ("{ count: 0 }", "expected a whole number from 1 to 1000000000, found '0'"),
      ("{ count: -1 }", "expected a whole number from 1 to 1000000000, found '-1'"),
      ("{ count: 2, marker: .complete }", "'count' cannot stand beside 'marker' and 'abort'"),
    ])
  func countIsPositive(_ stop: String, _ told: String) async throws {
    try await World.with(.none) { world in
      try world.configure("stop: \(stop)", to: "[copy]")
      let refused = try await world.run("validate", expecting: 78)
      #expect(refused.lines(.errors).first?.hasSuffix("error: \(told)") == true, "\(refused.transcript)")
    }
  }

  @Test("A tree that failed before the stop marker makes the exit code 1; one that was deferred makes it 75")
  func failedAndDeferred() async throws {
    try await World.with(.none) { world in
      try world.configure(
        "stop: { marker: .complete, abort: .abort }\nretry: { attempts: 1, defer: 1h }\n"
          + "hooks: { pre: [{ shell: 'test ! -e fails && { test ! -e later || exit 75; }' }] }", to: "[copy]")
      try world.makeTree("later", ["later": "1"])
      try world.scratch.write("", to: "in/.complete")
      try await world.run("run", expecting: 75)
      try world.makeTree("fails", ["fails": "1"])
      try world.makeTree("good", ["a": "1"])
      try await world.run("run", expecting: 1)
      #expect(try world.copies() == ["good/a"])
    }
  }

  @Test("An abort marker finishes what is under way, and leaves what is ready")
  func abortsUnderWay() async throws {
    try await World.with(.none) { world in
      let (begun, go) = (world.scratch("begun"), world.scratch("go"))
      try world.configure(
        "stop: { abort: .abort }\n"
          + "hooks: { pre: [{ shell: 'touch \(begun); while ! test -e \(go); do sleep 0.01; done' }] }",
        to: "[copy]", settings: "trees: 1")
      let service = try await world.startService()
      try world.makeTree("t1", ["a": "1"])
      #expect(await eventually { world.scratch.exists("begun") }, "\(service.transcript)")
      try world.makeTree("t2", ["a": "1"])
      #expect(await service.line(containing: "in/t2") != nil, "\(service.transcript)")
      try world.scratch.write("", to: "in/.abort")
      #expect(await service.line(containing: "the intake is aborted") != nil, "\(service.transcript)")
      try world.scratch.write("", to: "go")
      let ending = await service.end(upTo: World.limit)
      #expect(ending == .exited(0) || ending == .exited(75), "\(service.transcript)")
      #expect(try world.copies() == ["t1/a"])
      try world.scratch.remove("in/.abort")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["t1/a", "t2/a"])
    }
  }

  @Test("'started' is written once the watches are live, whatever lay there, and again by the next process")
  func started() async throws {
    try await World.with(.none) { world in
      try world.configure("stop: { count: 1 }", to: "[copy]")
      let service = try await world.startService()
      #expect(world.scratch.read("started") == [])
      try world.makeTree("t", ["a": "1"])
      try await service.expectEnd(.exited(0))
      try world.scratch.write("left by another", to: "started")
      try world.makeTree("u", ["a": "1"])
      try await world.run("run")
      #expect(world.scratch.read("started") == [])
    }
  }
}

@Suite("watch without a file", .needsBinary)
struct WatchVerbTests {
  private func environment(_ world: World) -> [String: String] {
    [
      "AWS_ACCESS_KEY_ID": world.reader.accessKeyID, "AWS_SECRET_ACCESS_KEY": world.reader.secretAccessKey,
      "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": world.reader.endpoint,
    ]
  }

  @Test("Trees of a directory go to a bucket, until SIGTERM")
  func toBucket() async throws {
    try await World.with { world in
      try world.makeTree("before", ["a": "1"])
      let watch = try world.start(
        "watch", "in", "--to", "s3://\(world.bucket)/some/prefix", environment: environment(world))
      #expect(await watch.line(containing: "before") != nil, "\(watch.transcript)")
      try world.makeTree("after", ["b": "2"])
      var keys: [String] = []
      for _ in 0..<60 where keys.count < 2 { keys = try await world.keys() }
      #expect(keys == ["some/prefix/after/b", "some/prefix/before/a"], "\(watch.transcript)")
      watch.signal(SIGTERM)
      try await watch.expectEnd(.exited(0))
    }
  }

  @Test("--strategy count -n 1 ends after one tree")
  func count() async throws {
    try await World.with { world in
      try world.makeTree("t", ["a.txt": "1", "b.log": "2"])
      let watch = try world.start(
        "watch", "in", "--to", "s3://\(world.bucket)", "--strategy", "count", "-n", "1", "--filter", "\\.txt$",
        "--target-prefix", "p", environment: environment(world))
      try await watch.expectEnd(.exited(0))
      #expect(try await world.keys() == ["p/t/a.txt"])
    }
  }

  @Test("A tree that failed counts, and the exit code says so")
  func countFailed() async throws {
    try await World.with(.none) { world in
      try world.makeTree("t", ["a": "1"])
      try world.scratch.write("", to: "file")
      let watch = try world.start(
        "watch", "in", "--to", world.scratch("file/below"), "--strategy", "count", "-n", "1",
        "--target-prefix", "p", "--state-dir", "own-state")
      try await watch.expectEnd(.exited(1))
      #expect(world.scratch.exists("own-state"))
    }
  }

  @Test("--dry-run prints what would be uploaded and sends nothing; it has no options of its own here")
  func dryRun() async throws {
    try await World.with(.none) { world in
      try world.makeTree("t", ["a.txt": "1", "b.log": "2"])
      let arguments = ["watch", "in", "--to", world.scratch("outbox"), "--filter", "txt$", "--source-prefix", "in/t"]
      let dry = try await world.run(arguments + ["--dry-run"])
      #expect(
        dry.lines(.output).contains("  upload a.txt -> to: a.txt (filter 'txt$', command line:1:1)"),
        "\(dry.transcript)")
      for options in [["--dry-run", "--fail-rate", "1"], ["--once", "--no-dry-run"]] {
        try await world.run(arguments + options, expecting: 64)
      }
      #expect(!world.scratch.exists("outbox"))
      try await world.run(arguments + ["--once"])
      #expect(try world.copies() == ["a.txt"])
    }
  }

  @Test(
    "What cannot be meant is a usage error",
    arguments: [
      ["--to", "/x", "--strategy", "count"], ["--to", "/x", "--strategy", "count", "-n", "0"],
      ["--to", "/x", "-n", "2"], ["--to", "/x", "--strategy", "other"], ["--to", "s3://"], ["--to", "gs://b"],
      ["--to", "/x", "--marker", "a/b"], ["--to", "/x", "--target-prefix", "{nothing}"], [],
      ["--to", "/x", "--to", "/y", "extra"], ["--to", "/x", "--filter", "("],
      ["--to", "/x", "--target-prefix", "a/../b"], ["--to", "/x", "--state-dir", "in/state"],
    ])
  func usage(_ options: [String]) async throws {
    try await World.with(.none) { world in
      let refused = try await world.run(["watch", "in"] + options, expecting: 64)
      #expect(refused.lines(.errors).first?.hasPrefix("Error: ") == true, "\(refused.transcript)")
    }
  }

  @Test("--strategy sentinel ends at .complete, another marker and a directory will do")
  func sentinel() async throws {
    try await World.with { world in
      try world.scratch.write("1", to: "in/t/a")
      try world.scratch.write("", to: "in/t/DONE")
      try world.scratch.write("", to: "in/.complete")
      let watch = try world.start(
        "watch", "in", "--to", world.scratch("outbox"), "--strategy", "sentinel", "--marker", "DONE")
      try await watch.expectEnd(.exited(0))
      #expect(try world.copies() == ["t/a"])
    }
  }
}

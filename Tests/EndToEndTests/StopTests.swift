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

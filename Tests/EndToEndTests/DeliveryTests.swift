import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("Delivery", .needsBinary)
struct DeliveryTests {
  @Test("A tree marked ready while the service runs arrives at both destinations, with its hooks in order")
  func bothDestinations() async throws {
    try await World.with { world in
      let log = world.scratch("hooks.log")
      func hook(_ name: String) -> String { "{ shell: 'echo \(name) $SLIPWAY_HOOK $SLIPWAY_TREE_NAME >>\(log)' }" }
      try world.configure(
        """
        target_prefix: '{workflow}/'
        hooks:
          pre: [\(hook("one")), { shell: 'echo made >made.txt' }, \(hook("two"))]
          post: [\(hook("three")), \(hook("four")), { shell: 'echo no >>\(log)', when: failure }]
        """)
      let service = try await world.startService()
      try world.makeTree("a/tree", ["x.txt": "x", "deep/er/y": "yy", "empty": ""])
      #expect(await eventually { world.scratch.lines("hooks.log").last == "four post a/tree" }, "\(service.transcript)")
      #expect(
        world.scratch.lines("hooks.log") == [
          "one pre a/tree", "two pre a/tree", "three post a/tree", "four post a/tree",
        ])
      let files = ["w/a/tree/deep/er/y", "w/a/tree/empty", "w/a/tree/made.txt", "w/a/tree/x.txt"]
      #expect(try await world.keys() == files.map { "pre/" + $0 })
      #expect(try world.copies() == files)
      let object = try await world.reader.get(world.bucket, Array("pre/w/a/tree/deep/er/y".utf8))
      #expect(object.bytes == Array("yy".utf8))
      #expect(world.scratch.read("outbox/w/a/tree/deep/er/y") == Array("yy".utf8))
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  @Test("What was ready before the start is found, and not sent again by the next one")
  func onceTwice() async throws {
    try await World.with(.scripted([])) { world in
      try world.configure()
      try world.makeTree("t", ["a": "1", "b": "2"])
      try world.makeTree("unready", ["c": "3"], ready: false)
      try await world.run("run", "--once")
      #expect(try await world.keys() == ["pre/t/a", "pre/t/b"])
      #expect(world.putCount() == 2)
      let requests = world.scripted?.requests.count
      try await world.run("run", "--once")
      #expect(world.putCount() == 2)
      #expect(world.scripted?.requests.count == requests, "a start sends no request")
    }
  }

  @Test("A marker that is touched makes the tree ready again")
  func touched() async throws {
    try await World.with { world in
      try world.configure(to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      let service = try await world.startService()
      #expect(await eventually { world.scratch.read("outbox/t/a") == Array("1".utf8) }, "\(service.transcript)")
      try world.scratch.write("2", to: "in/t/a")
      let touch = try Program(Program.Launch(["/usr/bin/touch", world.scratch("in/t/.ready")]))
      try await touch.expectEnd(.exited(0))
      #expect(await eventually { world.scratch.read("outbox/t/a") == Array("2".utf8) }, "\(service.transcript)")
    }
  }

  @Test("After delivery the tree is deleted, the watched directory stays")
  func deletes() async throws {
    try await World.with { world in
      try world.configure("after: { success: delete }")
      try world.makeTree("t/inner", ["a": "1", "d/b": "2"])
      try await world.run("run", "--once")
      #expect(try await world.keys() == ["pre/t/inner/a", "pre/t/inner/d/b"])
      #expect(!world.scratch.exists("in/t/inner") && world.scratch.exists("in"))
    }
  }

  @Test(
    "With 'commit: manifest' the manifest of the last run lies beside the objects, and the post hooks come after it")
  func manifest() async throws {
    try await World.with { world in
      try world.configure(
        """
        commit: manifest
        hooks: { post: [{ shell: 'cp ../../outbox/t/manifest.json ../../seen' }] }
        """)
      for content in ["1", "22"] {
        try world.makeTree("t", ["a": content, "d/b": "2"])
        let touch = try Program(Program.Launch(["/usr/bin/touch", world.scratch("in/t/.ready")]))
        try await touch.expectEnd(.exited(0))
        try await world.run("run", "--once")
      }
      #expect(try await world.keys() == ["pre/t/a", "pre/t/d/b", "pre/t/manifest.json"])
      let object = try await world.reader.get(world.bucket, Array("pre/t/manifest.json".utf8))
      #expect(object.bytes == world.scratch.read("outbox/t/manifest.json"))
      #expect(object.bytes == world.scratch.read("seen"))
      #expect(object.type == "application/json")
      let manifest = try #require(try JSONSerialization.jsonObject(with: Data(object.bytes)) as? [String: Any])
      #expect(manifest["status"] as? String == "success")
      let objects = try #require(manifest["objects"] as? [[String: Any]])
      #expect(objects.compactMap { $0["key"] as? String } == ["t/a", "pre/t/a", "t/d/b", "pre/t/d/b"])
      let listed = try await world.reader.list(world.bucket, prefix: "pre/t/a")
      #expect(listed.first?.etag == objects[1]["etag"] as? String && listed.first?.size == 2)
    }
  }

  @Test("What 'overwrite: different' finds equal is not sent, and manifest, log and `show` say so")
  func foundEqual() async throws {
    try await World.with { world in
      let destinations = world.destinations().replacingOccurrences(
        of: "prefix: pre/", with: "prefix: pre/\n    overwrite: different")
      try world.configure("commit: manifest", to: "[store]", destinations: destinations)
      try world.makeTree("t", ["a": "1", "b": "2", "c": "3"])
      let first = try await world.run("run", "--once")
      #expect(first.transcript.contains("sent=3") && !first.transcript.contains("found"), "\(first.transcript)")
      try world.makeTree("t", ["b": "other"])
      let touch = try Program(Program.Launch(["/usr/bin/touch", world.scratch("in/t/.ready")]))
      try await touch.expectEnd(.exited(0))
      let second = try await world.run("run", "--once")
      let told = second.lines(.errors).first { $0.contains("info: uploaded") }
      #expect(told?.contains(" found_equal=2 ") == true && told?.contains(" sent=1 ") == true, "\(second.transcript)")
      let object = try await world.reader.get(world.bucket, Array("pre/t/manifest.json".utf8))
      let manifest = try #require(try JSONSerialization.jsonObject(with: Data(object.bytes)) as? [String: Any])
      let objects = try #require(manifest["objects"] as? [[String: Any]])
      #expect(objects.map { $0["sent"] as? Bool } == [false, true, false])
      let run = try #require(manifest["run"] as? String)
      let files = try await world.run("show", run, "--files").lines(.output)
      #expect(files.contains("store: 3 files, 7 B, 2 found equal"), "\(files)")
      #expect(files.contains("  a -> store: pre/t/a (1 bytes, found equal)"), "\(files)")
      #expect(files.contains("  b -> store: pre/t/b (5 bytes)"), "\(files)")
      let json = try await world.run("show", run, "--json").objects()
      #expect(json.compactMap { $0["sent"] as? Bool } == [false, true, false])
    }
  }

  @Test("The manifest is replaced where 'overwrite: never' keeps the objects")
  func manifestOverNever() async throws {
    try await World.with { world in
      let destinations = world.destinations().replacingOccurrences(
        of: "prefix: pre/", with: "prefix: pre/\n    overwrite: never")
      try world.configure("commit: manifest", to: "[store]", destinations: destinations)
      try world.makeTree("t", ["a": "1"])
      try await world.run("run", "--once")
      let first = try await world.reader.get(world.bucket, Array("pre/t/manifest.json".utf8))
      let touch = try Program(Program.Launch(["/usr/bin/touch", world.scratch("in/t/.ready")]))
      try await touch.expectEnd(.exited(0))
      try await world.run("run", "--once")
      let second = try await world.reader.get(world.bucket, Array("pre/t/manifest.json".utf8))
      #expect(first.bytes != second.bytes)
      #expect(try await world.keys() == ["pre/t/a", "pre/t/manifest.json"])
    }
  }

  @Test("A burst of marked trees arrives whole, each with its post hook, once")
  func burst() async throws {
    try await World.with { world in
      let log = world.scratch("log")
      try world.configure(
        "hooks: { post: [{ shell: 'echo \"$SLIPWAY_TREE_NAME\" >>\(log)' }] }", to: "[copy]")
      let service = try await world.startService()
      let names = (0..<100).map { "b/\($0)/t" }
      for name in names { try world.makeTree(name, ["f": name]) }
      #expect(await eventually { world.scratch.lines("log").count >= 100 }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(world.scratch.lines("log").sorted() == names.sorted())
      #expect(try world.copies() == names.map { "\($0)/f" }.sorted { Array($0.utf8).precedes(Array($1.utf8)) })
    }
  }

  @Test("A dry run prints the plan, and neither sends, writes nor runs anything")
  func dryRun() async throws {
    try await World.with(.scripted([])) { world in
      try world.configure(
        """
        filter: '\\.txt$'
        hooks: { pre: [{ shell: 'echo ran >ran.txt' }] }
        after: { success: delete }
        """)
      try world.makeTree("t", ["a.txt": "1", "b.log": "2"])
      let before = world.scripted?.requests.count
      let program = try await world.run("run", "--once", "--dry-run")
      #expect(program.lines(.output).contains { $0.contains("pre/t/a.txt") }, "\(program.transcript)")
      #expect(program.lines(.output).contains { $0.contains("b.log") && $0.contains("no pattern of filter matches") })
      #expect(world.scripted?.requests.count == before)
      #expect(try world.copies() == [])
      #expect(!world.scratch.exists("in/t/ran.txt") && world.scratch.exists("in/t/a.txt"))
      #expect(!world.scratch.exists("outbox"))
      try await world.run("run", "--once")
      #expect(try await world.keys() == ["pre/t/a.txt", "pre/t/ran.txt"], "a dry run answers no marker")
    }
  }
}

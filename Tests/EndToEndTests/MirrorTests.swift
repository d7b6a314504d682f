import Foundation
import Glibc
import SlipwayModel
import Testing

@testable import TestSupport

@Suite("Mirrors", .needsBinary)
struct MirrorTests {
  private func configure(
    _ world: World, _ rule: String = "{ delete: true, settle: 50ms }", _ lines: String = "",
    to names: String = "[store]"
  ) throws {
    try world.scratch.write(
      """
      version: 1
      settings: { state_dir: ./state }
      \(world.destinations())workflows:
        w:
          watch: ./in
          mirror: \(rule)
          destinations: \(names)
          started: ./started
          retry: { attempts: 2, backoff: 10ms..20ms }
          \(lines)
      """, to: "workflows.yaml")
  }

  /// The MD5 of what lies below `in`, by the keys that it should have.
  private func files(_ world: World) throws -> [String: String] {
    let root = world.scratch("in")
    var found: [String: String] = [:]
    for name in FileManager.default.enumerator(atPath: root)?.compactMap({ $0 as? String }) ?? [] {
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: root + "/" + name, isDirectory: &isDirectory), !isDirectory.boolValue
      else { continue }
      found["pre/" + name] = world.scratch.read("in/" + name).map { hexadecimal(Digests.md5($0)) }
    }
    return found
  }

  /// The ETags of what boto3 sees in the bucket: each was sent by one PUT.
  private func objects(_ world: World) async throws -> [String: String] {
    let listed = try await world.reader.list(world.bucket)
    return Dictionary(uniqueKeysWithValues: listed.map { (String(decoding: $0.key, as: UTF8.self), $0.etag) })
  }

  @Test("A start over an unchanged tree sends no request; what has changed costs what it is")
  func requests() async throws {
    try await World.with(.scripted([])) { world in
      try configure(world)
      for number in 0..<20 { try world.scratch.write("\(number)", to: "in/\(number % 3)/\(number)") }
      try await world.run("run", "--once")
      let first = world.scripted?.requests ?? []
      #expect(world.putCount() == 20)
      #expect(first.count { $0.method == "GET" } == 1)
      try await world.run("run", "--once")
      #expect(world.scripted?.requests.count == first.count)
      try world.scratch.write("x", to: "in/0/0")
      unlink(world.scratch("in/1/1"))
      rename(world.scratch("in/2/2"), world.scratch("in/2/two"))
      try await world.run("run", "--once")
      let later = (world.scripted?.requests ?? []).dropFirst(first.count)
      // The changed one, and the one that is copied.
      #expect(later.count { $0.method == "PUT" } == 2)
      #expect(later.count { $0.method == "GET" } == 0)
      #expect(later.count { $0.method == "POST" } == 1)
      #expect(try await objects(world) == files(world))
    }
  }

  @Test("verify and --dry-run tell the same differences, and change nothing")
  func verify() async throws {
    try await World.with { world in
      try configure(world)
      for name in ["same", "d/same", "other", "gone"] { try world.scratch.write(name, to: "in/\(name)") }
      try await world.run("run", "--once")
      let equal = try await world.run("verify", "w")
      #expect(equal.lines(.output) == ["4 compared, 0 different"])
      try world.scratch.write("OTHER", to: "in/other")
      try world.scratch.write("new", to: "in/new")
      unlink(world.scratch("in/gone"))
      let different = try await world.run("verify", "w", expecting: 1)
      #expect(
        different.lines(.output) == [
          "would delete gone at store: pre/gone", "would upload new -> store: pre/new",
          "differs other -> store: pre/other", "4 compared, 3 different",
        ])
      let json = try await world.run("verify", "w", "--json", expecting: 1).objects()
      #expect(json.compactMap { $0["difference"] as? String } == ["delete", "upload", "differs"])
      #expect(json.last?["different"] as? Int == 3)
      let failing = try await world.run("run", "--dry-run", "--fail-rate", "1", expecting: 1).lines(.output)
      #expect(failing.contains { $0.contains("fail ") && $0.hasSuffix("(as --fail-rate says)") }, "\(failing)")
      let dry = try await world.run("run", "--dry-run")
      #expect(
        dry.lines(.output).filter { !$0.hasPrefix("tree ") } == [
          "  delete gone at store: pre/gone", "  upload new -> store: pre/new", "  differs other -> store: pre/other",
        ])
      #expect(try await objects(world)["pre/gone"] != nil)
      try await world.run("push", "w")
      #expect(try await objects(world) == files(world))
      try await world.run("verify", "w")
      let explained = try await world.run("explain", "in/d/same")
      #expect(explained.lines().contains { $0.contains("a mirror of the watched directory") })
      let status = try await world.run("status", "--json")
      #expect(status.transcript.contains("\"w\""))
    }
  }

  @Test(
    "explain says what becomes of objects whose files are gone",
    arguments: [
      ("{}", "kept"), ("{ delete: true }", "deleted"),
      ("{ delete: true, max_delete: 5 }", "deleted, at most 5 a run"),
      ("{ delete: true, max_delete: 20% }", "deleted, at most 20% a run"),
    ])
  func explained(_ rule: String, _ words: String) async throws {
    try await World.with(.none) { world in
      try configure(world, rule, to: "[copy]")
      let lines = try await world.run("explain", "in/x").lines(.output)
      #expect(
        lines.contains(
          "  tree      . (a mirror of the watched directory; objects whose files are gone are \(words))"), "\(lines)")
    }
  }

  @Test("verify tells in the order of the paths, however many files are compared at once", arguments: [1, 64])
  func verifyOrder(_ transfers: Int) async throws {
    try await World.with(.scripted([])) { world in
      let names = (0..<300).map { "\($0 % 7)/\($0)" }
      for name in names { try world.scratch.write(name, to: "in/\(name)") }
      for ready in ["mirror: {}", "ready: closed\n    target_prefix: '{run}'"] {
        try world.scratch.write(
          """
          version: 1
          settings: { state_dir: ./state, transfers: \(transfers) }
          \(world.destinations())workflows:
            w:
              watch: ./in
              \(ready)
              destinations: [store, copy]
          """, to: "workflows.yaml")
        try await world.run("run", "--once")
        let changed = names.filter { $0.hasSuffix("3") }.sorted()
        for name in changed { try world.scratch.write(String(name.map { _ in "x" }), to: "in/\(name)") }
        let told = try await world.run("verify", "w", expecting: 1).lines(.output)
        #expect(
          told.dropLast().map { $0.split(separator: " ")[1] }.map(String.init) == changed.flatMap { [$0, $0] })
        #expect(told.last == "600 compared, \(changed.count * 2) different")
        for name in changed { try world.scratch.write(name, to: "in/\(name)") }
      }
    }
  }

  @Test("verify compares the trees of other workflows under the keys that their runs gave them")
  func verifyTrees() async throws {
    try await World.with { world in
      try world.configure("target_prefix: '{date:%Y}/{run}'\ncommit: manifest", to: "[store]")
      try world.makeTree("t", ["a": "1", "d/b": "2"])
      try world.makeTree("u", ["a": "1"])
      try await world.run("run", "--once")
      let equal = try await world.run("verify", "w")
      #expect(equal.lines(.output) == ["3 compared, 0 different"])
      try world.scratch.write("3", to: "in/t/d/b")
      try world.scratch.write("4", to: "in/u/new")
      let different = try await world.run("verify", "w", expecting: 1).lines(.output)
      #expect(different.count == 3 && different.last == "4 compared, 2 different")
      #expect(different[0].hasPrefix("differs d/b -> store: pre/20") && different[0].hasSuffix("/t/d/b"))
      #expect(different[1].hasPrefix("would upload new -> store: pre/20") && different[1].hasSuffix("/u/new"))
      try world.configure(to: "[copy]", ready: "closed")
      try await world.run("run", "--once", "--only", "w")
      try await world.run("verify", "w")
    }
  }

  @Test("A file that becomes a directory, and the reverse, takes the other's place, also in a directory")
  func kinds() async throws {
    try await World.with { world in
      try configure(world, "{ delete: true }", to: "[store, copy]")
      for name in ["a", "d/x/y", "d/z", "keep"] { try world.scratch.write(name, to: "in/\(name)") }
      try await world.run("run", "--once")
      for name in ["a", "d"] { try world.scratch.remove("in/\(name)") }
      for name in ["a/b/c", "d"] { try world.scratch.write("new", to: "in/\(name)") }
      try configure(world, "{}", to: "[store, copy]")
      let kept = try await world.run("run", "--once", expecting: 1)
      let cause = "cannot upload d: d/x/y lies below its name; a directory cannot hold both: remove what is not wanted "
      #expect(kept.lines().contains { $0.contains(cause + "from \(world.scratch("outbox"))") }, "\(kept.transcript)")
      #expect(try world.copies() == ["a", "d/x/y", "d/z", "keep"])
      try configure(world, "{ delete: true }", to: "[store, copy]")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["a/b/c", "d", "keep"])
      #expect(try await objects(world) == files(world))
      try await world.run("verify", "w")
    }
  }

  @Test("Several directories are mirrors beside each other, and the limit of deletes is each one's own")
  func directories() async throws {
    try await World.with(.none) { world in
      for name in ["a/x", "b/x", "b/y", "b/z"] { try world.scratch.write(name, to: "in/\(name)") }
      try configure(world, "{ delete: true, max_delete: 50% }", "source_prefix: .", to: "[copy]")
      let file = String(decoding: try #require(world.scratch.read("workflows.yaml")), as: UTF8.self)
      try world.scratch.write(
        file.replacing("watch: ./in", with: "watch: [./in/a, ./in/b]"), to: "workflows.yaml")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["in/a/x", "in/b/x", "in/b/y", "in/b/z"])
      try world.scratch.remove("in/b/x")
      try world.scratch.write("new", to: "in/a/new")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["in/a/new", "in/a/x", "in/b/y", "in/b/z"])
      for name in ["b/y", "b/z", "a/x"] { try world.scratch.remove("in/\(name)") }
      try world.scratch.write("new", to: "in/b/new")
      let limited = try await world.run("run", "--once", expecting: 1)
      #expect(limited.lines().contains { $0.contains("2 of 3 objects at destination 'copy'") }, "\(limited.transcript)")
      #expect(try world.copies() == ["in/a/new", "in/b/new", "in/b/y", "in/b/z"])
    }
  }

  @Test("Of a directory that was made anew nothing is deleted before somebody has pushed it")
  func madeAnew() async throws {
    try await World.with(.none) { world in
      try configure(world, to: "[copy]")
      for name in ["a", "b"] { try world.scratch.write(name, to: "in/\(name)") }
      try await world.run("run", "--once")
      rename(world.scratch("in"), world.scratch("former"))
      try world.scratch.write("new", to: "in/b")
      for arguments in [["run", "--dry-run"], ["run", "--once"]] {
        let refused = try await world.run(arguments, expecting: 1)
        #expect(refused.lines().contains { $0.contains("is right: slipway push w") }, "\(refused.transcript)")
      }
      #expect(try world.copies() == ["a", "b"])
      try await world.run("push", "w")
      #expect(try world.copies() == ["b"])
    }
  }

  @Test("What could not be listed is not told as compared")
  func unlisted() async throws {
    try await World.with(.scripted([FaultRule(.init(method: "GET"), .answer(status: 403, code: "AccessDenied"))])) {
      world in
      try configure(world, "{}", to: "[store, copy]")
      for name in ["a", "b"] { try world.scratch.write(name, to: "in/\(name)") }
      let verify = try await world.run("verify", "w", expecting: 1)
      let sums = verify.lines(.output).last
      #expect(sums == "2 compared, 2 different, 1 could not be looked at", "\(verify.transcript)")
    }
  }

  @Test("500 random edits while it runs: in the end the bucket is as the tree")
  func randomEdits() async throws {
    try await World.with { world in
      try configure(world)
      try world.scratch.write("0", to: "in/keep")
      let service = try await world.startService()
      let editor = try world.startProgram(["/usr/bin/env", "python3", "-c", Self.edits, world.scratch("in")])
      try await editor.expectEnd(.exited(0))
      let deadline = ContinuousClock.now + World.limit
      var sums = try await sums(world)
      while !sums.hasSuffix(" 0 different"), ContinuousClock.now < deadline { sums = try await self.sums(world) }
      #expect(sums.hasSuffix(" 0 different"), "\(sums)\n\(service.lines().suffix(30))")
      #expect(try await objects(world) == files(world))
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  /// What verify says in the end.
  private func sums(_ world: World) async throws -> String {
    let verify = try world.start("verify", "w")
    return try #require(await verify.line(containing: " compared, "), "\(verify.transcript)")
  }

  /// Makes, appends to, renames, removes and moves files and directories at random; a seed makes it the same each time.
  private static let edits = """
    import os, random, shutil, sys, time
    root, dice = sys.argv[1], random.Random(7)
    def all(kind):
        found = []
        for top, directories, files in os.walk(root):
            found += [os.path.join(top, n) for n in (files if kind == 'f' else directories) if n != 'keep']
        return sorted(found)
    def place():
        return os.path.join(dice.choice([root] + all('d')), 'n%d' % dice.randrange(60))
    for step in range(500):
        what = dice.choice(['make', 'make', 'make', 'append', 'rename', 'remove', 'mkdir', 'move', 'tree'])
        files, directories = all('f'), all('d')
        target = place()
        if what == 'make' and not os.path.isdir(target):
            open(target, 'w').write('x' * dice.randrange(2000) + str(step))
        elif what == 'append' and files:
            open(dice.choice(files), 'a').write(str(step))
        elif what == 'rename' and files and not os.path.isdir(target):
            os.rename(dice.choice(files), target)
        elif what == 'remove' and files:
            os.remove(dice.choice(files))
        elif what == 'mkdir' and len(target) < 300 and not os.path.exists(target):
            os.makedirs(os.path.join(target, 'a', 'b'))
            open(os.path.join(target, 'a', 'b', 'f'), 'w').write(str(step))
        elif what == 'move' and directories and not os.path.exists(target):
            source = dice.choice(directories)
            if not (target + '/').startswith(source + '/'): os.rename(source, target)
        elif what == 'tree' and directories and dice.random() < 0.3:
            shutil.rmtree(dice.choice(directories))
        time.sleep(dice.random() * 0.02)  # so that edits fall into several batches, and into the middle of runs
    """
}

import Foundation
import Glibc
import TestSupport
import Testing

@Suite("Queues and mirrors that only tell", .needsBinary)
struct DryRunIntakeTests {
  private func configureMirror(_ world: World, _ lines: String = "dry_run: true") throws {
    try world.scratch.write(
      """
      version: 1
      settings: { state_dir: ./state, rescan: 1s }
      \(world.destinations())workflows:
        w:
          watch: ./in
          mirror: { delete: true, settle: 50ms }
          destinations: [store]
          started: ./started
          \(lines)
      """, to: "workflows.yaml")
  }

  private func told(_ program: Program) -> [String] {
    program.lines(.errors).compactMap { line in
      line.range(of: "dry run: ").map { String(line[$0.upperBound...]) }
    }
  }

  /// Puts a file there that is whole from the first moment on: one that is written in place may be told twice.
  private func put(_ text: String, at name: String, _ world: World) throws {
    try world.scratch.write(text, to: "aside")
    #expect(rename(world.scratch("aside"), world.scratch("in/\(name)")) == 0)
  }

  /// Everything has been looked at again so often.
  private func looks(_ world: World, _ count: Int) async {
    let before = world.scripted?.requests.count { $0.method == "GET" } ?? 0
    let hasLooked = await eventually {
      world.scripted?.requests.count { $0.method == "GET" } ?? 0 >= before + count
    }
    #expect(hasLooked)
  }

  @Test("A mirror tells each difference once, and again when its file changes; nothing is sent or written down")
  func mirror() async throws {
    try await World.with(.scripted([])) { world in
      try configureMirror(world)
      for name in ["a", "d/b"] { try world.scratch.write(name, to: "in/\(name)") }
      let service = try await world.startService()
      #expect(await service.line(containing: "upload d/b -> store: pre/d/b") != nil, "\(service.transcript)")
      try put("c", at: "c", world)
      #expect(await service.line(containing: "upload c -> store: pre/c") != nil, "\(service.transcript)")
      await looks(world, 3)
      for path in ["a", "d/b", "c"] {
        #expect(told(service).count { $0.hasPrefix("upload \(path) -> ") } == 1, "\(service.transcript)")
      }
      try put("aa", at: "a", world)
      let isToldAgain = await eventually { told(service).count { $0.hasPrefix("upload a -> ") } == 2 }
      #expect(isToldAgain, "\(service.transcript)")
      await looks(world, 2)
      #expect(told(service).count { $0.hasPrefix("upload d/b -> ") } == 1, "\(service.transcript)")
      let status = try await world.run("status")
      #expect(status.lines(.output).contains("w (dry run): nothing"), "\(status.transcript)")
      #expect(try await world.run("status", "--json").objects().last?["dry_run"] as? Bool == true)
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(world.putCount() == 0)
      #expect(try await world.run("runs").lines(.output).count <= 1)
    }
  }

  @Test("A mirror that was kept before tells what has changed since; the flags win both ways")
  func keptMirror() async throws {
    try await World.with(.scripted([])) { world in
      try configureMirror(world)
      for name in ["a", "b", "c"] { try world.scratch.write(name, to: "in/\(name)") }
      try await world.run("run", "--once", "--no-dry-run")
      #expect(try await world.keys() == ["pre/a", "pre/b", "pre/c"])
      let requests = world.scripted?.requests.count
      let quiet = try await world.run("run", "--once")
      #expect(told(quiet) == [], "\(quiet.transcript)")
      #expect(world.scripted?.requests.count == requests)
      let service = try await world.startService()
      try world.scratch.remove("in/b")
      #expect(await service.line(containing: "delete b at store: pre/b") != nil, "\(service.transcript)")
      try put("C", at: "c", world)
      #expect(await service.line(containing: "differs c -> store: pre/c") != nil, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      // The look at the start may have found it before the event came, with which it is told again.
      #expect(told(service).count { $0.hasPrefix("delete b") } == 1, "\(service.transcript)")
      let printed = ["  delete b at store: pre/b", "  differs c -> store: pre/c"]
      try configureMirror(world, "")
      let dry = try await world.run("run", "--dry-run").lines(.output)
      #expect(Array(dry.dropFirst()) == printed)
      #expect(try await world.keys() == ["pre/a", "pre/b", "pre/c"])
      #expect(try await world.run("status").lines(.output).contains { $0.hasPrefix("w: ") })
    }
  }

  @Test("A queue tells each of its files once, claims none, and takes them all once the key is gone")
  func queue() async throws {
    try await World.with(.none) { world in
      let log = world.scratch("hooks.log")
      let hooks = "hooks: { pre: [{ shell: 'cat \"$SLIPWAY_TREE\" >>\(log)', dry_run: true }] }"
      try world.configureQueue("dry_run: true\n\(hooks)", to: "[copy]")
      try world.scratch.write("first\n", to: "in/a")
      try world.scratch.write("deeper", to: "in/deep/x")
      let service = try await world.startService()
      #expect(await service.line(containing: "upload a -> copy: a") != nil, "\(service.transcript)")
      try world.scratch.write("second\n", to: "in/b")
      #expect(await service.line(containing: "upload b -> copy: b") != nil, "\(service.transcript)")
      try world.scratch.write("third\n", to: "in/a")
      let isToldAgain = await eventually { told(service).count { $0.hasPrefix("upload a -> ") } == 2 }
      #expect(isToldAgain, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(told(service).count { $0.hasPrefix("upload b -> ") } == 1, "\(service.transcript)")
      #expect(!told(service).contains { $0.contains("deep") })
      #expect(world.scratch.lines("hooks.log") == ["first", "second", "third"])
      #expect(world.scratch.children("in") == ["a", "b", "deep"] && world.scratch.children("working") == [])

      let once = try await world.run("run", "--once")
      #expect(told(once).filter { $0.hasPrefix("upload ") }.count == 2, "\(once.transcript)")
      let printed = try await world.run("run", "--dry-run").lines(.output)
      #expect(printed.contains("  upload a -> copy: a") && printed.contains("  upload b -> copy: b"))
      #expect(world.scratch.children("in") == ["a", "b", "deep"] && world.scratch.children("working") == [])
      #expect(try world.copies() == [])
      try await world.run("run", "--once", "--no-dry-run")
      #expect(try world.copies() == ["a", "b"])
      #expect(world.scratch.children("completed") == ["a", "b"])
    }
  }
}

import Foundation
import Glibc
import TestSupport
import Testing

@Suite("Settled trees", .needsBinary)
struct SettledTreesTests {
  @Test("mkdir -p and files, one after the other: each entry is uploaded once, whole")
  func entries() async throws {
    try await World.with { world in
      try world.configure(ready: "{ settled: 3s }")
      let service = try await world.startService()
      let held = open(world.scratch("in/held"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      let writer = try world.startProgram([
        "/bin/bash", "-c",
        "for n in 1 2 3 4 5; do mkdir -p in/t/$n/b; echo $n >in/t/$n/b/f; sleep 0.05; done; echo u >in/u",
      ])
      try await writer.expectEnd(.exited(0))
      let tree = (1...5).map { "t/\($0)/b/f" } + ["u"]
      #expect(await eventually { (try? world.copies()) == tree }, "\(service.transcript)")
      #expect(write(held, "whole", 5) == 5)
      close(held)
      #expect(await eventually { world.scratch.read("outbox/held") == Array("whole".utf8) }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      let runs = try await world.run("runs", "--json").objects().compactMap { $0["tree"] as? String }
      #expect(runs.sorted() == ["held", "t", "u"].map { world.scratch("in/\($0)") })
      #expect(try await world.keys() == (["held"] + tree).map { "pre/" + $0 })
    }
  }

  @Test("A start over unchanged entries sends no request; of a changed one only what has changed is sent")
  func restart() async throws {
    try await World.with(.scripted([])) { world in
      try world.configure(to: "[store]", ready: "{ settled: 100ms }")
      for name in ["t/a", "t/b", "u/c"] { try world.scratch.write("1", to: "in/\(name)") }
      try await world.run("run", "--once")
      #expect(world.putCount() == 3)
      let requests = world.scripted?.requests.count
      try await world.run("run", "--once")
      let service = try await world.startService()
      #expect(world.scripted?.requests.count == requests, "a start sends no request")
      try world.scratch.write("2", to: "in/t/b")
      #expect(await eventually { world.putCount("t/b") == 2 }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      #expect(world.putCount() == 4)
      let run = try #require(try await world.run("runs", "--json").objects().first?["run"] as? String)
      let files = try await world.run("show", run, "--files").lines(.output)
      #expect(files.contains("store: 2 files, 2 B, 1 found equal"), "\(files)")
    }
  }

  @Test("Delivered entries are deleted; the complete marker ends the service")
  func ends() async throws {
    try await World.with(.none) { world in
      try world.configure("after: delete\nstop: { marker: .complete }", to: "[copy]", ready: "{ settled: 200ms }")
      let service = try await world.startService()
      for name in ["t/a", "t/d/b", "u"] { try world.scratch.write(name, to: "in/\(name)") }
      try world.scratch.write("", to: "in/.complete")
      try await service.expectEnd(.exited(0))
      #expect(world.scratch.children("in") == [".complete"])
      #expect(try world.copies() == ["t/a", "t/d/b", "u"])
      let explained = try await world.run("explain", "in/t/d/b").lines(.output)
      #expect(explained.contains("  tree      t (once nothing has changed in it for 200ms)"), "\(explained)")
      #expect(explained.contains("  key       copy: t/d/b"), "\(explained)")
    }
  }
}

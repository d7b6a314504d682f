import Foundation
import TestSupport
import Testing

@Suite("Exit codes", .needsBinary)
struct ExitCodeTests {
  @Test("0: nothing was ready, or all went well")
  func success() async throws {
    try await World.with { world in
      try world.configure(to: "[copy]")
      try await world.run("run", "--once")
      try world.makeTree("t", ["a": "1"])
      try await world.run("run", "--once")
      #expect(try world.copies() == ["t/a"])
    }
  }

  @Test("1: a failed pre hook means no upload, the tree stays, and hooks for failures run once")
  func failure() async throws {
    try await World.with { world in
      let log = world.scratch("log")
      try world.configure(
        """
        hooks:
          pre: [{ shell: 'echo pre $SLIPWAY_ATTEMPT >>\(log); exit 3' }]
          post: [{ shell: 'echo $SLIPWAY_STATUS >>\(log)', when: failure }, { shell: 'echo no >>\(log)' }]
        after: { success: delete }
        """, to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(world.scratch.lines("log") == ["pre 1", "pre 2", "failure"], "\(program.transcript)")
      #expect(try world.copies() == [])
      #expect(world.scratch.exists("in/t/a") && world.scratch.exists("in/t/.ready"))
    }
  }

  @Test("1, then 0: what failed earlier and still lies there is taken by the next run --once")
  func mended() async throws {
    try await World.with { world in
      try world.configure("hooks: { pre: [{ shell: 'test -e \(world.scratch("mended"))' }] }", to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      try await world.run("run", "--once", expecting: 1)
      try world.scratch.write("", to: "mended")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["t/a"])
    }
  }

  @Test("75: a hook deferred the tree, and the next run takes it whatever its time")
  func deferred() async throws {
    try await World.with { world in
      try world.configure(
        """
        hooks: { pre: [{ shell: 'test -e \(world.scratch("open")) || exit 75' }] }
        retry: { attempts: 2, backoff: 10ms..20ms, defer: 1h }
        """, to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      try world.makeTree("u", ["a": "1"])
      try await world.run("run", "--once", expecting: 75)
      #expect(try world.copies() == [])
      try world.scratch.write("", to: "open")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["t/a", "u/a"])
    }
  }

  @Test("0: a pre hook that ends with 77 skips the tree")
  func skipped() async throws {
    try await World.with { world in
      try world.configure("hooks: { pre: [{ shell: 'exit 77' }], post: [{ shell: 'touch \(world.scratch("post"))' }] }")
      try world.makeTree("t", ["a": "1"])
      try await world.run("run", "--once")
      #expect(try await world.keys() == [] && !world.scratch.exists("post"))
    }
  }

  @Test("78: every problem of the file at once, with line and column")
  func configuration() async throws {
    try await World.with { world in
      try world.configure("filtr: x\nexclude: '('", to: "[store, nowhere]")
      let program = try await world.run("run", "--once", expecting: 78)
      let errors = program.lines(.errors).filter { $0.contains(": error: ") }
      #expect(errors.count == 3, "\(program.transcript)")
      #expect(errors.allSatisfy { $0.contains(#/^\S*workflows\.yaml:\d+:\d+: error: /#) }, "\(program.transcript)")
      #expect(errors.contains { $0.contains("filter") }, "did you mean")
    }
  }

  @Test("78: there is no file")
  func noFile() async throws {
    try await World.with { world in try await world.run("run", "--once", expecting: 78) }
  }

  @Test("64: a verb or an option that does not exist")
  func usage() async throws {
    try await World.with { world in
      try await world.run("fly", expecting: 64)
      try await world.run("run", "--twice", expecting: 64)
      try await world.run("watch", expecting: 64)
    }
  }
}

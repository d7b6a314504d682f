import Glibc
import SlipwayModel
import Testing

@testable import TreeWatching

@Suite("Directories that move")
struct MovingTests {
  let directory = WatchedDirectory()

  private func watching() async throws -> Watching {
    var watching = try await Watching([directory["in"]], names: [".ready", ".old"])
    try await watching.wait(for: .listed(watch: directory["in"]))
    return watching
  }

  @Test("Within the tree: what lies below is told by its new path, then and later")
  func within() async throws {
    directory.make("in/a/deep")
    directory.make("in/b")
    directory.touch("in/a/deep/.ready")
    var watching = try await watching()
    directory.move("in/a", "in/b/c")
    try await watching.wait(for: .name(directory["in/b/c/deep/.ready"], .found))
    watching.forget()
    directory.touch("in/b/c/deep/.ready")
    try await watching.wait(for: .name(directory["in/b/c/deep/.ready"], .complete))
    #expect(!watching.wasTold(directory["in/a/deep/.ready"]))
    await watching.stop()
  }

  @Test("Into the tree: what lies below is told, and what comes to it later")
  func into() async throws {
    directory.make("in")
    directory.make("out/a/b")
    directory.touch("out/a/b/.ready")
    var watching = try await watching()
    directory.move("out/a", "in/a")
    try await watching.wait(for: .name(directory["in/a/b/.ready"], .found))
    directory.touch("in/a/.ready")
    try await watching.wait(for: .name(directory["in/a/.ready"], .complete))
    await watching.stop()
  }

  @Test("Out of the tree: nothing more is told of it, and a new one of its name is watched")
  func out() async throws {
    directory.make("in/a/b")
    directory.make("out")
    var watching = try await watching()
    directory.move("in/a", "out/a")
    directory.make("in/a/b")
    directory.touch("in/a/b/.ready")
    try await watching.wait { names($0).contains(directory["in/a/b/.ready"]) }
    directory.touch("out/a/b/.old")
    directory.touch("in/.ready")
    try await watching.wait(for: .name(directory["in/.ready"], .complete))
    #expect(!watching.wasTold(directory["in/a/b/.old"]))
    await watching.stop()
  }

  @Test("Out and back again, and two that change places: all are told where they are")
  func thereAndBack() async throws {
    directory.make("in/a")
    directory.make("in/b")
    directory.make("out")
    var watching = try await watching()
    for _ in 0..<100 {
      directory.move("in/a", "out/a")
      directory.move("out/a", "in/a")
      directory.move("in/a", "in/swap")
      directory.move("in/b", "in/a")
      directory.move("in/swap", "in/b")
    }
    for name in ["in/a/.ready", "in/b/.ready"] {
      directory.touch(name)
      // Found, where the directory is only being listed after the last of the moves.
      try await watching.wait { events in
        events.contains { $0 == .name(directory[name], .complete) || $0 == .name(directory[name], .found) }
      }
    }
    await watching.stop()
  }
}

@Suite("Watched directories that go and come")
struct RootTests {
  let directory = WatchedDirectory()

  @Test("Removed and made anew: told gone, then listed again with what lies there")
  func removed() async throws {
    directory.make("in/sub")
    var watching = try await Watching([directory["in"]])
    try await watching.wait(for: .listed(watch: directory["in"]))
    directory.remove("in")
    try await watching.wait(for: .gone(watch: directory["in"]))
    watching.forget()
    directory.make("in/new")
    directory.touch("in/new/.ready")
    try await watching.wait(for: .listed(watch: directory["in"]))
    #expect(watching.hint(directory["in/new/.ready"]) != nil)
    directory.touch("in/.ready")
    try await watching.wait(for: .name(directory["in/.ready"], .complete))
    await watching.stop()
  }

  @Test("Renamed and replaced: the new one is watched, the old one no longer")
  func replaced() async throws {
    directory.make("in/sub")
    var watching = try await Watching([directory["in"]])
    try await watching.wait(for: .listed(watch: directory["in"]))
    watching.forget()
    directory.move("in", "old")
    directory.make("in/sub")
    try await watching.wait(for: .listed(watch: directory["in"]))
    #expect(watching.events.contains(.gone(watch: directory["in"])))
    watching.forget()
    directory.touch("old/.ready")
    directory.touch("in/sub/.ready")
    try await watching.wait(for: .name(directory["in/sub/.ready"], .complete))
    #expect(names(watching.events) == [directory["in/sub/.ready"]])
    await watching.stop()
  }

  @Test("A directory above it is renamed, of which no event tells: noticed all the same")
  func renamedAbove() async throws {
    directory.make("above/in")
    var watching = try await Watching([directory["above/in"]])
    try await watching.wait(for: .listed(watch: directory["above/in"]))
    directory.move("above", "elsewhere")
    try await watching.wait(for: .gone(watch: directory["above/in"]))
    watching.forget()
    directory.make("above/in")
    try await watching.wait(for: .listed(watch: directory["above/in"]))
    directory.touch("above/in/.ready")
    try await watching.wait(for: .name(directory["above/in/.ready"], .complete))
    await watching.stop()
  }

  @Test("A root inside a root that is removed with it comes back with it")
  func nested() async throws {
    directory.make("a/b")
    var watching = try await Watching([directory["a"], directory["a/b"]])
    try await watching.wait(for: .listed(watch: directory["a/b"]))
    directory.remove("a")
    try await watching.wait(for: .gone(watch: directory["a"]))
    try await watching.wait(for: .gone(watch: directory["a/b"]))
    watching.forget()
    directory.make("a/b")
    try await watching.wait(for: .listed(watch: directory["a"]))
    try await watching.wait(for: .listed(watch: directory["a/b"]))
    directory.touch("a/b/.ready")
    try await watching.wait(for: .name(directory["a/b/.ready"], .complete))
    await watching.stop()
  }
}

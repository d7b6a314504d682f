import Glibc
import SlipwayModel
import Synchronization
import Testing

@testable import TreeWatching

@Suite("Where everything is of interest")
struct EverythingTests {
  let directory = WatchedDirectory()

  private func watching(_ seams: WatchSeams = WatchSeams(), pace: WatchPace = WatchPace()) async throws -> Watching {
    var watching = try await Watching(
      [directory.path], names: [".complete"], everythingIn: [directory.path], pace: pace, seams: seams)
    try await watching.wait(for: .listed(watch: directory.path))
    return watching
  }

  @Test("What lies there at the start is left to a walk; only names are told")
  func start() async throws {
    directory.make("a")
    for name in ["a/x", "y", ".complete"] { directory.touch(name) }
    let watching = try await watching()
    #expect(watching.events == [.name(directory[".complete"], .found), .listed(watch: directory.path)])
    await watching.stop()
  }

  @Test("Files are told found, complete and removed; of directories only that they are gone")
  func hints() async throws {
    directory.make("d")
    var watching = try await watching()
    watching.forget()
    let writer = cString(directory["d/x"]) { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
    try await watching.wait(for: .name(directory["d/x"], .found))
    close(writer)
    try await watching.wait(for: .name(directory["d/x"], .complete))
    directory.move("d/x", "y")
    try await watching.wait { events in
      events.contains(.name(directory["d/x"], .removed)) && events.contains(.name(directory["y"], .complete))
    }
    directory.move("d", "e")
    directory.remove("e")
    _ = cString(directory["y"]) { unlink($0) }
    try await watching.wait(for: .name(directory["y"], .removed))
    #expect(names(watching.events) == [directory["d/x"], directory["y"], directory["d"], directory["e"]])
    for name in ["d", "e"] {
      let told = watching.events.filter { if case .name(directory[name], _) = $0 { true } else { false } }
      #expect(told == [.name(directory[name], .removed)])
    }
    await watching.stop()
  }

  @Test("What lies in a directory that is moved in is told, file by file")
  func movedIn() async throws {
    let other = WatchedDirectory()
    other.make("t/deep")
    for name in ["t/x", "t/deep/y"] { other.touch(name) }
    var watching = try await watching()
    watching.forget()
    _ = cString(other["t"]) { from in cString(directory["t"]) { rename(from, $0) } }
    let expected: Set = [directory["t/x"], directory["t/deep/y"]]
    try await watching.wait { names($0) == expected }
    #expect(watching.events.allSatisfy { if case .name(_, .found) = $0 { true } else { false } })
    await watching.stop()
  }

  @Test("mkdir -p a/b and a file in it at once: never missed, hundreds of times")
  func bursts() async throws {
    var watching = try await watching()
    for number in 0..<300 {
      directory.make("\(number)/a/b")
      directory.touch("\(number)/a/b/f")
    }
    let expected = Set((0..<300).map { directory["\($0)/a/b/f"] })
    try await watching.wait { expected.isSubset(of: names($0)) }
    await watching.stop()
  }

  @Test("More files than may wait are no loss: the directory is to be walked, and names keep their room")
  func tooMany() async throws {
    let other = WatchedDirectory()
    other.make("t")
    for number in 0...PendingEvents.namesMaxWhileListing { other.touch("t/\(number)") }
    let turns = Mutex(0)
    var watching = try await watching(WatchSeams(beforeReading: { turns.withLock { $0 += 1 } }))
    watching.forget()
    _ = cString(other["t"]) { from in cString(directory["t"]) { rename(from, $0) } }
    // Nothing is taken before a whole turn that began after the move is over: by then the directory has been listed.
    let begun = turns.withLock { $0 }
    while turns.withLock({ $0 }) < begun + 2 { await Task.yield() }
    directory.touch(".complete")
    try await watching.wait(for: .listed(watch: directory.path))
    try await watching.wait { $0.contains { if case .name(directory[".complete"], _) = $0 { true } else { false } } }
    #expect(watching.losses.isEmpty)
    await watching.stop()
  }

  @Test("Where events tell nothing, it is to be walked at each poll")
  func polled() async throws {
    var watching = try await watching(
      WatchSeams(watchesMax: 1), pace: WatchPace(rescan: .seconds(3600), poll: .milliseconds(20)))
    directory.make("deep/er")
    try await watching.wait { events in events.contains { if case .polled = $0 { true } else { false } } }
    watching.forget()
    directory.touch("deep/er/x")
    try await watching.wait(for: .listed(watch: directory.path))
    watching.forget()
    try await watching.wait(for: .listed(watch: directory.path))
    #expect(!watching.wasTold(directory["deep/er/x"]))
    await watching.stop()
  }

  @Test("Another watched directory tells of its names alone")
  func others() async throws {
    let other = WatchedDirectory()
    var watching = try await Watching(
      [directory.path, other.path], names: [".ready"], everythingIn: [directory.path])
    try await watching.wait { $0.contains(.listed(watch: directory.path)) && $0.contains(.listed(watch: other.path)) }
    watching.forget()
    for name in ["x", ".ready"] { other.touch(name) }
    directory.touch("last")
    try await watching.wait(for: .name(directory["last"], .complete))
    try await watching.wait(for: .name(other[".ready"], .complete))
    #expect(!watching.wasTold(other["x"]))
    await watching.stop()
  }
}

import Glibc
import LocalFiles
import SlipwayModel
import Synchronization
import Testing

@testable import TreeWatching

/// Whether the kernel gives instances of inotify.
private final class Instances: Sendable {
  private let areRefused = Mutex(true)

  var isRefused: Bool { areRefused.withLock { $0 } }
  func give() { areRefused.withLock { $0 = false } }
}

@Suite("Directories of which no event tells")
struct PollingTests {
  let directory = WatchedDirectory()
  private let often = WatchPace(poll: .milliseconds(50))

  /// Two of them, one in the other, as they are listed the first time.
  private func watching(_ pace: WatchPace, _ seams: WatchSeams) async throws -> Watching {
    directory.make("a/b")
    var watching = try await Watching([directory.path], pace: pace, seams: seams)
    try await watching.wait(for: .listed(watch: directory.path))
    return watching
  }

  @Test("What no event told is found when everything is listed again")
  func rescan() async throws {
    var watching = try await watching(WatchPace(rescan: .milliseconds(50)), WatchSeams(isDeaf: true))
    directory.make("a/new")
    for name in ["a/b/.ready", "a/new/.ready"] {
      directory.touch(name)
      try await watching.wait(for: .name(directory[name], .found))
    }
    watching.forget()
    directory.remove("a")
    try await watching.wait(for: .listed(watch: directory.path))
    #expect(watching.losses == [])
    await watching.stop()
  }

  @Test("A file system that others may change is polled whole, which is said once and counted")
  func remote() async throws {
    let seams = WatchSeams(isDeaf: true, magic: 0x6969)
    var watching = try await watching(often, seams)
    try await watching.wait(for: .polled(watch: directory.path, directories: 3))
    directory.touch("a/b/.ready")
    try await watching.wait(for: .name(directory["a/b/.ready"], .found))
    directory.make("a/c")
    directory.touch("a/c/.ready")
    try await watching.wait(for: .name(directory["a/c/.ready"], .found))
    try await watching.wait(for: .polled(watch: directory.path, directories: 4))
    #expect(watching.losses == [WatchFailures.unseen("nfs", often.poll)(directory.path)])
    await watching.stop()
  }

  @Test("Where what was made for a try is followed by no event, the directory is polled")
  func silentOverlay() async throws {
    var watching = try await watching(often, WatchSeams(isDeaf: true, magic: EventSupport.overlay))
    try await watching.wait(for: .polled(watch: directory.path, directories: 3))
    directory.touch("a/b/.ready")
    try await watching.wait(for: .name(directory["a/b/.ready"], .found))
    #expect(watching.losses == [WatchFailures.silent("overlay", often.poll)(directory.path)])
    #expect(cString(directory[EventProbe.name]) { access($0, F_OK) } == -1)
    await watching.stop()
  }

  @Test("An overlay that tells is not polled, and what a killed process left of its try is removed")
  func tellingOverlay() async throws {
    directory.make(EventProbe.name)
    var watching = try await watching(often, WatchSeams(magic: EventSupport.overlay))
    directory.touch("a/b/.ready")
    try await watching.wait(for: .name(directory["a/b/.ready"], .complete))
    #expect(watching.losses == [])
    #expect(cString(directory[EventProbe.name]) { access($0, F_OK) } == -1)
    await watching.stop()
  }

  @Test("Without any watch everything is polled, the root as well")
  func noWatchAtAll() async throws {
    var watching = try await watching(often, WatchSeams(watchesMax: 0))
    try await watching.wait(for: .polled(watch: directory.path, directories: 3))
    directory.touch("a/b/.ready")
    try await watching.wait(for: .name(directory["a/b/.ready"], .found))
    #expect(watching.losses.map(\.code) == ["ENOSPC"])
    watching.forget()
    directory.move("a", "c")
    try await watching.wait(for: .name(directory["c/b/.ready"], .found))
    #expect(watching.losses == [])
    await watching.stop()
  }

  @Test("While the kernel gives no instance everything is polled, and once it gives one events tell again")
  func noInstance() async throws {
    let instances = Instances()
    var watching = try await watching(often, WatchSeams(refusesInstance: { instances.isRefused }))
    try await watching.wait(for: .polled(watch: directory.path, directories: 3))
    directory.touch("a/b/.ready")
    try await watching.wait(for: .name(directory["a/b/.ready"], .found))
    #expect(watching.losses.map(\.code) == ["EMFILE"])
    instances.give()
    try await watching.wait(for: .polled(watch: directory.path, directories: 0))
    directory.touch("a/b/.ready")
    try await watching.wait(for: .name(directory["a/b/.ready"], .complete))
    await watching.stop()
  }

  @Test("A root without a watch that goes is told gone, and is listed when it is back")
  func rootGone() async throws {
    directory.make("root")
    var watching = try await Watching([directory["root"]], pace: often, seams: WatchSeams(watchesMax: 0))
    try await watching.wait(for: .listed(watch: directory["root"]))
    directory.move("root", "aside")
    try await watching.wait(for: .gone(watch: directory["root"]))
    directory.make("root/t")
    directory.touch("root/t/.ready")
    try await watching.wait(for: .name(directory["root/t/.ready"], .found))
    await watching.stop()
  }

  @Test(
    "Why directories are polled, to the letter",
    arguments: [
      (
        WatchFailures.unseen("fuse", .seconds(10)),
        "it lies on fuse, where others change what the kernel tells nothing of"
      ),
      (
        WatchFailures.silent("overlay", .seconds(10)),
        "it lies on overlay, and what was made there for a try was followed by no event"
      ),
      (
        WatchFailures.untried("overlay", .init(EROFS), .seconds(10)),
        "it lies on overlay, and whether events come there cannot be tried (EROFS)"
      ),
    ] as [(@Sendable (BytePath) -> Failure, String)])
  func reasons(failure: @Sendable (BytePath) -> Failure, cause: String) {
    #expect(
      failure(BytePath("/in")).message
        == "cannot follow /in: \(cause); everything below it is listed every 10 s (settings.poll)")
  }
}

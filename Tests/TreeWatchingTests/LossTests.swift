import CLibc
import Foundation
import Glibc
import LocalFiles
import SlipwayModel
import Synchronization
import Testing

@testable import TreeWatching

/// Holds the thread that watches, as a machine under load would.
private final class Gate: Sendable {
  private let isShut = Mutex(false)

  func shut() { isShut.withLock { $0 = true } }
  func open() { isShut.withLock { $0 = false } }

  func pass() {
    while isShut.withLock({ $0 }) { usleep(1000) }
  }
}

/// Takes from this thread alone root's right to read everything (setfsuid(2)).
@Sendable private func dropPrivileges() {
  typealias SetUser = @convention(c) (uid_t) -> Int32
  guard getuid() == 0, let symbol = dlsym(nil, "setfsuid") else { return }
  _ = unsafeBitCast(symbol, to: SetUser.self)(65534)
}

/// Events the kernel queues.
private func queuedEventsMax() -> Int {
  guard let file = fopen("/proc/sys/fs/inotify/max_queued_events", "r") else { return 16_384 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 32)
  fgets(&line, 32, file)
  return strtol(line, nil, 10)
}

@Suite("Losses")
struct LossTests {
  let directory = WatchedDirectory()

  @Test("When the kernel's queue is full, the loss is told and everything is found by listing it again")
  func overflow() async throws {
    directory.make("old/gone")
    let gate = Gate()
    var watching = try await Watching([directory.path], seams: WatchSeams(beforeReading: { gate.pass() }))
    try await watching.wait(for: .listed(watch: directory.path))
    watching.forget()
    gate.shut()
    // Wakes the thread, so that it stands at the gate.
    directory.touch("wake")
    for number in 0..<queuedEventsMax() { directory.touch("file\(number)") }
    directory.remove("old")
    directory.make("late/deep")
    directory.touch("late/deep/.ready")
    gate.open()
    try await watching.wait(for: .listed(watch: directory.path))
    #expect(watching.events.first == .lost(watch: directory.path, WatchFailures.overflow(directory.path)))
    #expect(watching.hint(directory["late/deep/.ready"]) == .found)
    directory.touch("late/deep/.ready")
    try await watching.wait(for: .name(directory["late/deep/.ready"], .complete))
    await watching.stop()
  }

  @Test("An overflow and what the kernel's limits mean for the operator, to the letter")
  func messages() {
    #expect(
      WatchFailures.overflow(BytePath("/in")).message == """
        cannot follow /in: the kernel's queue of events was full and some were lost; \
        everything is listed again; if it happens often, raise `sysctl fs.inotify.max_queued_events`
        """)
    #expect(
      WatchFailures.tooManyPending(BytePath("/in")).message
        == "cannot follow /in: more than 16384 events waited to be taken; everything is listed again")
  }

  @Test(
    "A limit of inotify names what it is now and what to set",
    arguments: [
      (ENOSPC, "watches", "max_user_watches", "until then directories without a watch are listed every 7 s"),
      (
        EMFILE, "instances", "max_user_instances",
        "or the limit of open files (`ulimit -n`); until then all directories are listed every 7 s"
      ),
    ])
  func limits(error: Int32, what: String, name: String, end: String) throws {
    let text = try String(contentsOfFile: "/proc/sys/fs/inotify/\(name)", encoding: .utf8)
    let now = try #require(Int(text.filter { $0 != "\n" }))
    let raised = min(now, Int(Int32.max) / 4) * 4
    #expect(
      WatchFailures.watching(BytePath("/in"), ErrorNumber(error), .seconds(7)).message == """
        cannot watch /in: the user's limit of inotify \(what) is reached, which is \(now); \
        raise it with `sysctl fs.inotify.\(name)=\(raised)`; \(end)
        """)
  }

  @Test("More names than anybody takes are given up for a listing, and none is missing in the end")
  func nobodyTakes() async throws {
    let count = PendingEvents.namesMax + 1000
    var watching = try await Watching([directory.path])
    try await watching.wait(for: .listed(watch: directory.path))
    watching.forget()
    for number in 0..<count {
      directory.make("\(number % 100)/\(number)")
      directory.touch("\(number % 100)/\(number)/.ready")
    }
    try await watching.wait { names($0).count == count }
    await watching.stop()
  }

  @Test("More names than may wait are listed as they are taken")
  func backPressure() async throws {
    let count = PendingEvents.namesMax + 1000
    for number in 0..<count {
      directory.make("\(number % 100)/\(number)")
      directory.touch("\(number % 100)/\(number)/.ready")
    }
    var watching = try await Watching([directory.path])
    try await watching.wait(for: .listed(watch: directory.path))
    #expect(names(watching.events).count == count)
    #expect(watching.events.count == count + 1)
    await watching.stop()
  }

  @Test("Where the user's watches are used up it is said once, with the sysctl, and the rest is listed again and again")
  func watchLimit() async throws {
    directory.make("a/b")
    directory.make("c/d")
    var watching = try await Watching(
      [directory.path], pace: WatchPace(poll: .milliseconds(50)), seams: WatchSeams(watchesMax: 2))
    try await watching.wait(for: .polled(watch: directory.path, directories: 3))
    #expect(watching.losses.map(\.code) == ["ENOSPC"])
    for name in ["a/b/.ready", "c/d/.ready"] {
      directory.touch(name)
      try await watching.wait { names($0).contains(directory[name]) }
    }
    await watching.stop()
  }

  @Test("A directory that may not be read is told once, the others go on, and it is listed once it may be read")
  func unreadable() async throws {
    for name in ["secret", "open"] { directory.make(name) }
    directory.touch("open/.ready")
    directory.touch("secret/.ready")
    _ = cString(directory.path) { chmod($0, 0o755) }
    _ = cString(directory["secret"]) { chmod($0, 0) }
    var watching = try await Watching(
      [directory.path], pace: WatchPace(poll: .milliseconds(50)), seams: WatchSeams(beforeReading: dropPrivileges))
    try await watching.wait(for: .listed(watch: directory.path))
    #expect(watching.wasTold(directory["open/.ready"]))
    #expect(!watching.wasTold(directory["secret/.ready"]))
    let failure = Failure(errno: EACCES, operation: "watch", subject: directory["secret"])
    #expect(watching.events.contains(.lost(watch: directory.path, failure)))
    watching.forget()
    _ = cString(directory["secret"]) { chmod($0, 0o755) }
    try await watching.wait(for: .name(directory["secret/.ready"], .found))
    #expect(!watching.events.contains(.lost(watch: directory.path, failure)))
    await watching.stop()
  }

}

@Suite("Events that wait to be taken")
struct PendingEventsTests {
  private let a = BytePath("/a")
  private let b = BytePath("/b")
  private let root = BytePath("/")
  private let failure = Failure(.permanent, "list", "/", cause: "x")

  private func taken(_ events: [TreeEvent]) -> [TreeEvent] {
    var batch = EventBatch()
    for event in events { batch.append(event) }
    return batch.take()
  }

  @Test("Of two hints the later one is told, but complete is not taken back by found")
  func merging() {
    #expect(
      taken([.name(a, .found), .name(b, .found), .name(a, .complete)]) == [.name(a, .complete), .name(b, .found)])
    #expect(taken([.name(a, .complete), .name(a, .found)]) == [.name(a, .complete)])
    #expect(taken([.name(a, .complete), .name(a, .removed)]) == [.name(a, .removed)])
    #expect(taken([.name(a, .removed), .name(a, .found)]) == [.name(a, .found)])
  }

  @Test("A listing is told once, last; a hint after a loss stays behind it")
  func order() {
    #expect(
      taken([.listed(watch: root), .name(a, .found), .listed(watch: root)]) == [.name(a, .found), .listed(watch: root)])
    #expect(
      taken([.name(a, .found), .gone(watch: root), .name(a, .complete)])
        == [.name(a, .found), .gone(watch: root), .name(a, .complete)])
    #expect(
      taken([.lost(watch: root, failure), .lost(watch: root, failure)]) == [.lost(watch: root, failure)])
  }

  @Test("Names beyond the limit are dropped, losses are not")
  func limit() {
    let pending = PendingEvents()
    pending.put(.gone(watch: root))
    for number in 0..<PendingEvents.namesMax { #expect(pending.put(BytePath("/\(number)"), .found)) }
    #expect(pending.put(BytePath("/more"), .found) == false)
    #expect(pending.nameCount == 0)
  }

  @Test("A task that is cancelled gets nil")
  func cancelled() async {
    let pending = PendingEvents()
    let task = Task { await pending.next() }
    task.cancel()
    #expect(await task.value == nil)
    pending.put(.gone(watch: root))
    #expect(await pending.next() == [.gone(watch: root)])
  }
}

import CLibc
import Glibc
import SlipwayModel
import Testing

@testable import TreeWatching

@Suite("Watching a tree")
struct InotifySourceTests {
  let directory = WatchedDirectory()

  @Test("What lies there at the start is told before the directory counts as listed")
  func listing() async throws {
    directory.make("a/b")
    directory.touch("a/b/.ready")
    directory.touch("a/other")
    directory.touch(".ready")
    var watching = try await Watching([directory.path])
    try await watching.wait(for: .listed(watch: directory.path))
    #expect(
      Set(watching.events) == [
        .name(directory[".ready"], .found), .name(directory["a/b/.ready"], .found), .listed(watch: directory.path),
      ])
    #expect(watching.events.last == .listed(watch: directory.path))
    await watching.stop()
  }

  @Test("A name is told complete when its writer closes it and when it is moved in, and removed when it goes")
  func hints() async throws {
    directory.make("t")
    var watching = try await Watching([directory.path])
    try await watching.wait(for: .listed(watch: directory.path))
    let writer = cString(directory["t/.ready"]) { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
    try await watching.wait(for: .name(directory["t/.ready"], .found))
    close(writer)
    try await watching.wait(for: .name(directory["t/.ready"], .complete))
    directory.move("t/.ready", "t/other")
    try await watching.wait(for: .name(directory["t/.ready"], .removed))
    watching.forget()
    directory.move("t/other", "t/.ready")
    try await watching.wait(for: .name(directory["t/.ready"], .complete))
    _ = cString(directory["t/.ready"]) { unlink($0) }
    try await watching.wait(for: .name(directory["t/.ready"], .removed))
    await watching.stop()
  }

  @Test("A hard link of a name is told found")
  func hardLink() async throws {
    directory.touch("file")
    var watching = try await Watching([directory.path])
    try await watching.wait(for: .listed(watch: directory.path))
    _ = cString(directory["file"]) { from in cString(directory[".ready"]) { link(from, $0) } }
    try await watching.wait(for: .name(directory[".ready"], .found))
    await watching.stop()
  }

  @Test("mkdir -p a/b, a file in it and the marker at once: never missed, a thousand times")
  func bursts() async throws {
    var watching = try await Watching([directory.path])
    try await watching.wait(for: .listed(watch: directory.path))
    for number in 0..<1000 {
      directory.make("\(number)/a/b")
      directory.touch("\(number)/a/b/f")
      directory.touch("\(number)/a/.ready")
    }
    let expected = Set((0..<1000).map { directory["\($0)/a/.ready"] })
    try await watching.wait { events in expected.isSubset(of: names(events)) }
    #expect(names(watching.events) == expected)
    await watching.stop()
  }

  @Test("Names of odd bytes are told byte for byte")
  func oddNames() async throws {
    let odd = BytePath([0xFF, 0x0A, 0x20, 0x01, 0xC3])
    var watching = try await Watching([directory.path], names: [".ready", "mar\nker"])
    try await watching.wait(for: .listed(watch: directory.path))
    _ = cString(directory.path.appending(odd)) { mkdir($0, 0o755) }
    directory.touch(odd.appending(".ready"))
    directory.touch(odd.appending("mar\nker"))
    let made = Set([".ready", "mar\nker"].map { directory.path.appending(odd).appending($0) })
    try await watching.wait { made.isSubset(of: names($0)) }
    #expect(names(watching.events) == made)
    await watching.stop()
  }

  @Test("Ten thousand directories are listed, and each is watched")
  func manyDirectories() async throws {
    for number in 0..<10_000 { directory.make("\(number / 100)/\(number)") }
    var watching = try await Watching([directory.path])
    try await watching.wait(for: .listed(watch: directory.path))
    let touched = stride(from: 0, to: 10_000, by: 97).map { "\($0 / 100)/\($0)/.ready" }
    for name in touched { directory.touch(name) }
    try await watching.wait { events in Set(touched.map { directory[$0] }).isSubset(of: names(events)) }
    await watching.stop()
  }

  @Test("A path longer than the kernel takes at once is watched all the same")
  func depth() async throws {
    let depth = 1000
    var watching = try await Watching([directory.path])
    try await watching.wait(for: .listed(watch: directory.path))
    var descriptor = cString(directory.path) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    var path = directory.path.bytes
    for _ in 0..<depth {
      #expect(mkdirat(descriptor, "directory", 0o755) == 0)
      let next = openat(descriptor, "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      close(descriptor)
      descriptor = next
      path += Array("/directory".utf8)
    }
    close(openat(descriptor, ".ready", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
    let marker = BytePath(path).appending(".ready")
    try await watching.wait { names($0).contains(marker) }
    // Once more, to see that the deepest directory is watched and was not only listed.
    watching.forget()
    close(openat(descriptor, ".ready", O_WRONLY | O_CLOEXEC))
    close(descriptor)
    try await watching.wait(for: .name(marker, .complete))
    await watching.stop()
  }

  @Test("Links are not followed below a watched directory, but may lead to it")
  func links() async throws {
    let outside = WatchedDirectory()
    outside.touch(".ready")
    directory.make("real")
    _ = cString(directory["link"]) { symlink("real", $0) }
    _ = cString(directory["real/out"]) { symlink(outside.text, $0) }
    var watching = try await Watching([directory["link"]])
    try await watching.wait(for: .listed(watch: directory["link"]))
    #expect(watching.events == [.listed(watch: directory["link"])])
    directory.touch("real/.ready")
    try await watching.wait(for: .name(directory["link/.ready"], .complete))
    await watching.stop()
  }

  @Test("Roots inside roots are each listed, and a name has one path")
  func nestedRoots() async throws {
    directory.make("a/b")
    directory.touch("a/b/.ready")
    var watching = try await Watching([directory["a/b"], directory["a"]])
    try await watching.wait(for: .listed(watch: directory["a"]))
    try await watching.wait(for: .listed(watch: directory["a/b"]))
    #expect(names(watching.events) == [directory["a/b/.ready"]])
    // A hint that was taken before the second listing may come again; a listing is told once.
    #expect(watching.events.filter { if case .listed = $0 { true } else { false } }.count == 2)
    watching.forget()
    directory.touch("a/b/.ready")
    try await watching.wait(for: .name(directory["a/b/.ready"], .complete))
    #expect(names(watching.events) == [directory["a/b/.ready"]])
    await watching.stop()
  }

  @Test("Two roots that lead to the same directory tell each name by both paths")
  func twoPaths() async throws {
    directory.make("a/b")
    _ = cString(directory["other"]) { symlink("a/b", $0) }
    directory.touch("a/b/.ready")
    var watching = try await Watching([directory["a"], directory["other"]])
    try await watching.wait(for: .listed(watch: directory["other"]))
    #expect(names(watching.events) == [directory["a/b/.ready"], directory["other/.ready"]])
    await watching.stop()
  }

  @Test("Stopping is safe before the start, twice, and while somebody waits")
  func stopping() async throws {
    let unstarted = try InotifySource()
    await unstarted.stop()
    #expect(await unstarted.next() == nil)
    let failure = await #expect(throws: Failure.self) {
      try await unstarted.start([directory.path], interest: WatchInterest(names: []))
    }
    #expect(failure?.message == "cannot start watching: it was started or stopped before")

    let source = try InotifySource()
    try await source.start([directory.path], interest: WatchInterest(names: []))
    #expect(await source.next() == [.listed(watch: directory.path)])
    async let waiting = source.next()
    await source.stop()
    await source.stop()
    #expect(await waiting == nil)
    #expect(await source.next() == nil)
  }

  @Test("A directory that is not there, or is a file, is a failure of the start")
  func missing() async throws {
    directory.touch("file")
    for (name, text) in [("none", "No such file or directory"), ("file", "Not a directory")] {
      let source = try InotifySource()
      let failure = await #expect(throws: Failure.self) {
        try await source.start([directory[name]], interest: WatchInterest(names: []))
      }
      #expect(failure?.message == "cannot watch \(directory.text)/\(name): \(text)")
      await source.stop()
    }
  }
}

/// The paths that were told.
func names(_ events: [TreeEvent]) -> Set<BytePath> {
  Set(
    events.compactMap { event in
      if case .name(let path, _) = event { return path }
      return nil
    })
}

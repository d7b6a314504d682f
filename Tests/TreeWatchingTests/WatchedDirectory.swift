import CLibc
import Glibc
import SlipwayModel
import Testing

@testable import TreeWatching

/// A directory of its own for one test, removed with all below it.
final class WatchedDirectory: Sendable {
  let path: BytePath

  init() {
    var template = Array("/tmp/slipway-watch-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("mkdtemp: \(errno)") }
    path = BytePath(template.dropLast().map { UInt8(bitPattern: $0) })
  }

  deinit { run("rm", "-rf", text) }

  var text: String { String(decoding: path.bytes, as: UTF8.self) }

  subscript(_ name: String) -> BytePath { path.appending(name) }

  func make(_ name: String) {
    var current = path
    for component in BytePath(name).components {
      current = current.appending(BytePath(Array(component)))
      let answer = cString(current) { mkdir($0, 0o755) }
      precondition(answer == 0 || errno == EEXIST, "\(current): \(errno)")
    }
  }

  /// Makes, writes and closes it.
  func touch(_ name: BytePath) {
    let descriptor = cString(path.appending(name)) { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
    precondition(descriptor >= 0, "\(name): \(errno)")
    close(descriptor)
  }

  func touch(_ name: String) { touch(BytePath(name)) }

  func move(_ from: String, _ to: String) {
    let answer = cString(self[from]) { source in cString(self[to]) { rename(source, $0) } }
    precondition(answer == 0, "\(from): \(errno)")
  }

  func remove(_ name: String) { run("rm", "-rf", text + "/" + name) }

  /// To its end, without a shell.
  func run(_ words: String...) {
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var child = pid_t()
    var status: Int32 = 0
    let answer = posix_spawnp(&child, words[0], nil, nil, &arguments, environ)
    precondition(answer == 0, "\(words): \(answer)")
    waitpid(child, &status, 0)
    for argument in arguments { free(argument) }
  }
}

func cString<Answer>(_ path: BytePath, _ body: (UnsafePointer<CChar>) -> Answer) -> Answer {
  (path.bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
    buffer.baseAddress.map(body) ?? body("")
  }
}

/// A started source and what it has told.
struct Watching {
  static let deadline = Duration.seconds(60)

  let source: InotifySource
  private(set) var events: [TreeEvent] = []
  private let guardian: Task<Void, Never>

  init(
    _ directories: [BytePath], names: [String] = [".ready"], everythingIn: [BytePath] = [],
    pace: WatchPace = WatchPace(),
    seams: WatchSeams = WatchSeams()
  ) async throws {
    let source = try InotifySource(pace, seams: seams)
    self.source = source
    try await source.start(
      directories, interest: WatchInterest(names: Set(names.map { BytePath($0) }), everythingIn: Set(everythingIn)))
    // A test that waits for what never comes ends with nil instead of never.
    guardian = Task {
      do { try await Task.sleep(for: Self.deadline) } catch { return }
      await source.stop()
    }
  }

  /// Takes events until `isThere` holds of all taken so far.
  mutating func wait(_ location: Testing.SourceLocation = #_sourceLocation, until isThere: ([TreeEvent]) -> Bool)
    async throws
  {
    while !isThere(events) {
      guard let more = await source.next() else {
        Issue.record("nothing more came after \(events.suffix(20))", sourceLocation: location)
        throw CancellationError()
      }
      events += more
    }
  }

  mutating func wait(for event: TreeEvent, _ location: Testing.SourceLocation = #_sourceLocation) async throws {
    try await wait(location) { $0.contains(event) }
  }

  mutating func forget() { events = [] }

  func stop() async {
    guardian.cancel()
    await source.stop()
  }

  func hint(_ path: BytePath) -> NameHint? {
    for case .name(path, let hint) in events.reversed() { return hint }
    return nil
  }

  /// What was said of watches, in order.
  var losses: [Failure] {
    events.compactMap { event in
      if case .lost(_, let failure) = event { return failure }
      return nil
    }
  }

  func wasTold(_ path: BytePath) -> Bool { hint(path) != nil }
}

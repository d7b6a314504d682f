import Foundation
import Glibc
import SlipwayModel

/// A program under test: started in a process group of its own, its lines collected as they come.
///
/// `@unchecked Sendable`: what changes is behind `condition`; the threads that read the pipes and wait for the end touch
/// nothing else.
package final class Program: @unchecked Sendable {
  package enum Stream: Sendable { case output, errors }

  /// How a program ended.
  package enum Ending: Sendable, Equatable {
    case exited(Int32)
    case signalled(Int32)
  }

  /// What a program is started with.
  package struct Launch: Sendable {
    /// An absolute path, and its arguments; bytes, since names are.
    package var arguments: [[UInt8]]
    /// The whole environment.
    package var environment: [String: String]
    package var directory: String?

    package init(_ arguments: [String], environment: [String: String] = [:], directory: String? = nil) {
      self.arguments = arguments.map { Array($0.utf8) }
      self.environment = environment
      self.directory = directory
    }
  }

  package let pid: pid_t
  private let condition = NSCondition()
  private var lines: [(stream: Stream, text: String)] = []
  private var ending: Ending?
  private var openStreams = 2

  /// Output beyond this many lines is read and dropped.
  private static let lineLimit = 100_000

  package init(_ launch: Launch) throws {
    let (output, outputEnd) = try Self.pipe()
    let (errors, errorsEnd) = try Self.pipe()
    defer { [outputEnd, errorsEnd].forEach { _ = close($0) } }
    pid = try Self.spawn(launch, output: outputEnd, errors: errorsEnd)
    collect(output, .output)
    collect(errors, .errors)
    Thread.detachNewThread { [self] in awaitEnd() }
  }

  /// The lines so far, without their newlines.
  package func lines(_ stream: Stream? = nil) -> [String] {
    condition.withLock { lines.filter { stream == nil || $0.stream == stream }.map(\.text) }
  }

  /// stdout and stderr as text, for a message when a test fails.
  package var transcript: String {
    condition.withLock { lines.map { ($0.stream == .output ? "  " : "! ") + $0.text }.joined(separator: "\n") }
  }

  package var hasEnded: Bool { condition.withLock { ending != nil } }

  /// Sends a signal to the process alone; nothing happens once it has been waited for.
  package func signal(_ number: Int32) {
    condition.withLock { if ending == nil { kill(pid, number) } }
  }

  /// The first line that contains `text`; nil if the program ended, or `limit` passed, without one.
  package func line(containing text: String, upTo limit: Duration = .seconds(30)) async -> String? {
    await onThread { [self] in
      waitUntil(limit) { lines.contains { $0.text.contains(text) } || (ending != nil && openStreams == 0) }
      return condition.withLock { lines.first { $0.text.contains(text) }?.text }
    }
  }

  /// How the program ended, with all its output read; nil if it has not within `limit`.
  package func end(upTo limit: Duration = .seconds(60)) async -> Ending? {
    await onThread { [self] in
      waitUntil(limit) { ending != nil && openStreams == 0 }
      return condition.withLock { ending }
    }
  }

  /// Ends the program and its group at once, if it still runs, and waits for it.
  package func destroy() async {
    let isRunning = condition.withLock { ending == nil && kill(-pid, SIGKILL) == 0 }
    if isRunning { _ = await onThread { [self] in waitUntil(.seconds(10)) { ending != nil } } }
  }

  @discardableResult
  private func waitUntil(_ limit: Duration, _ isDone: () -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: Double(limit.nanoseconds) / 1e9)
    return condition.withLock {
      while !isDone() { if !condition.wait(until: deadline) { return isDone() } }
      return true
    }
  }

  private func collect(_ descriptor: Int32, _ stream: Stream) {
    Thread.detachNewThread { [self] in
      var rest: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        if count <= 0 { break }
        rest += buffer[..<count]
        let pieces = rest.split(separator: 0x0A, omittingEmptySubsequences: false)
        add(pieces.dropLast().map { String(decoding: $0, as: UTF8.self) }, stream)
        rest = Array(pieces.last ?? [])
      }
      close(descriptor)
      if !rest.isEmpty { add([String(decoding: rest, as: UTF8.self)], stream) }
      condition.withLock {
        openStreams -= 1
        condition.broadcast()
      }
    }
  }

  private func add(_ new: [String], _ stream: Stream) {
    condition.withLock {
      lines += new.prefix(max(0, Self.lineLimit - lines.count)).map { (stream, $0) }
      condition.broadcast()
    }
  }

  private func awaitEnd() {
    // Without reaping it first: until `ending` is set the pid must stay ours, or `signal` could hit another process.
    var information = siginfo_t()
    while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    condition.withLock {
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0, errno == EINTR {}
      ending = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
      condition.broadcast()
    }
  }

  private static func pipe() throws -> (reading: Int32, writing: Int32) {
    guard let ends = CloseOnExec.pipe() else {
      throw Failure(.permanent, "make", "a pipe", cause: String(cString: strerror(errno)))
    }
    return ends
  }

  private static func spawn(_ launch: Launch, output: Int32, errors: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigfillset(&defaults)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    // env(1) replaces itself with the program, so that the pid stays.
    let change = launch.directory.map { ["/usr/bin/env", "-C", $0].map { Array($0.utf8) } } ?? []
    return try withCStrings(change + launch.arguments) { arguments in
      try withCStrings(launch.environment.sorted { $0.key < $1.key }.map { Array("\($0.key)=\($0.value)".utf8) }) {
        guard let path = arguments[0] else { throw Failure(.permanent, "start", "nothing", cause: "no arguments") }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, arguments, $0)
        guard code == 0 else {
          let name = launch.arguments.first.map { escaped($0) } ?? ""
          throw Failure(.permanent, "start", name, cause: String(cString: strerror(code)))
        }
        return pid
      }
    }
  }

  private static func withCStrings<Result>(
    _ texts: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws -> Result
  ) rethrows -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { text in
      (text + [0]).withUnsafeBytes { bytes in bytes.bindMemory(to: CChar.self).baseAddress.flatMap { strdup($0) } }
    }
    defer { pointers.forEach { free($0) } }
    pointers.append(nil)
    return try body(pointers)
  }
}

/// Runs what blocks on a thread of its own, so that the cooperative pool keeps its threads.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: body()) }
  }
}

import Glibc
import Synchronization

/// Standard error, shared by log lines and the live line below them. Any thread.
///
/// A line that cannot be written, because the pipe is broken or the disk is full, is dropped: logging never stops an
/// upload.
final class StandardError: Sendable {
  static let shared = StandardError()

  private let liveLine = Mutex<String>("")
  let isTerminal = isatty(STDERR_FILENO) == 1

  /// Writes `line` above the live line.
  func write(_ line: String) {
    liveLine.withLock { live in
      put(live.isEmpty ? line + "\n" : "\r\u{1B}[K" + line + "\n" + live)
    }
  }

  /// Replaces the live line; empty removes it. Only on a terminal.
  func show(_ text: String) {
    guard isTerminal else { return }
    liveLine.withLock { live in
      if live == text { return }
      live = text
      put("\r\u{1B}[K" + text)
    }
  }

  /// Lets `body` write to standard output, which may be the same terminal, above the live line.
  func leaveRoom(for body: () -> Void) {
    liveLine.withLock { live in
      if !live.isEmpty { put("\r\u{1B}[K") }
      body()
      if !live.isEmpty { put(live) }
    }
  }

  private func put(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { return }
      rest = rest.dropFirst(written)
    }
  }
}

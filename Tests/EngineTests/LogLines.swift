import Logging
import Synchronization

/// Keeps what was logged.
final class LogLines: Sendable {
  private let kept = Mutex<[(level: Logger.Level, message: String)]>([])

  func messages(at level: Logger.Level) -> [String] {
    kept.withLock { lines in lines.filter { $0.level == level }.map(\.message) }
  }

  var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

  private struct Handler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      lines.kept.withLock { $0.append((event.level, "\(event.message)")) }
    }
  }
}

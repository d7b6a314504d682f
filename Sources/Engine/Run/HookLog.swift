import Logging
import SlipwayModel
import Synchronization

/// Takes one start of a hook to the log, line by line, up to a limit: a hook that talks without end must not fill the
/// disk. Any thread.
final class HookLog: Sendable {
  /// Lines of one start that are logged.
  static let linesMax = 1_000

  private let title: String
  private let logger: Logger
  private let lines = Atomic<Int>(0)

  init(_ hook: Hook, _ logger: Logger) {
    title = hook.title
    self.logger = logger
  }

  /// A line of the hook's output, without its newline.
  func take(_ line: [UInt8]) {
    switch lines.wrappingAdd(1, ordering: .relaxed).newValue {
    case ...Self.linesMax: logger.info("\(title): \(escaped(line))")
    case Self.linesMax + 1:
      logger.warning(
        "\(title): it has written \(Self.linesMax) lines; what follows is not logged, the ledger keeps the end")
    default: break
    }
  }
}

import Logging
import SlipwayModel

/// Takes what a plugin writes to stderr to the log, line by line, so many lines a minute: one that talks without end must
/// not fill the disk. For one thread.
struct PluginLog {
  static let linesMax = 1_000
  static let window = Duration.seconds(60)
  /// The longest line, in bytes.
  static let lineLimit = 4_096

  private let destination: DestinationName
  private let logger: Logger
  private var lines = LineCutter(limit: PluginLog.lineLimit)
  private var count = 0
  private var since = ContinuousClock.now

  init(_ destination: DestinationName, _ logger: Logger) {
    self.destination = destination
    self.logger = logger
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    var whole: [[UInt8]] = []
    lines.append(bytes) { line, _ in
      whole.append(line)
      return true
    }
    for line in whole { tell(line) }
  }

  /// At the end of a process.
  mutating func finish() {
    if let line = lines.finish() { tell(line) }
  }

  /// About the plugin, by ourselves.
  func note(_ message: String) { logger.warning("\(message)", metadata: ["destination": "\(destination)"]) }

  private mutating func tell(_ line: [UInt8]) {
    if ContinuousClock.now - since > Self.window { (count, since) = (0, .now) }
    count += 1
    if count <= Self.linesMax {
      logger.info("plugin: \(escaped(line))", metadata: ["destination": "\(destination)"])
    } else if count == Self.linesMax + 1 {
      note("the plugin has written \(Self.linesMax) lines within a minute; what follows is not logged")
    }
  }
}

import Logging
import SlipwayModel

/// How log lines look.
enum LogFormat: String, Sendable, CaseIterable {
  case text, json
}

/// Writes one line an event: text for people, or JSON for machines. Messages and values come escaped from where they
/// were made, or are escaped here: no file name can begin a line of its own.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let format: LogFormat
  private let clock: any Clock

  init(format: LogFormat, level: Logger.Level, clock: any Clock) {
    self.format = format
    self.logLevel = level
    self.clock = clock
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let values = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
    let now = clock.now()
    switch format {
    case .text: StandardError.shared.write(text(event, values, now))
    case .json: StandardError.shared.write(json(event, values, now))
    }
  }

  private func text(_ event: LogEvent, _ values: [(key: String, value: Logger.Metadata.Value)], _ now: Timestamp)
    -> String
  {
    let rest = values.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }.joined()
    let message = escapedControls("\(event.message)")
    return "\(Self.time(now)) \(event.level.rawValue): \(message)\(rest)"
  }

  private func json(_ event: LogEvent, _ values: [(key: String, value: Logger.Metadata.Value)], _ now: Timestamp)
    -> String
  {
    var members = [
      ("time", Self.time(now)), ("level", event.level.rawValue), ("message", "\(event.message)"),
    ]
    members += values.map { ($0.key, "\($0.value)") }
    let text = members.map { JSONText.string($0.0) + Array(":".utf8) + JSONText.string($0.1) }
    return String(
      decoding: Array("{".utf8) + Array(text.joined(separator: Array(",".utf8))) + Array("}".utf8), as: UTF8.self)
  }

  /// With milliseconds, in UTC.
  private static func time(_ now: Timestamp) -> String {
    let milliseconds = Int(now.nanoseconds / 1_000_000 % 1000)
    return "\(CalendarDate(now).extendedFormat.dropLast()).\(digits(milliseconds, 3))Z"
  }

  private static func quoted(_ value: String) -> String {
    let text = escapedControls(value)
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D }
    return isPlain && !text.isEmpty
      ? text : "\"\(text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
  }
}

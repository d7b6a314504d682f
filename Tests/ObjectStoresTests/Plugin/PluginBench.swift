import Foundation
import Glibc
import Logging
import SlipwayModel
import Synchronization
import TestSupport

@testable import ObjectStores

/// A plugin of Tests/Fixtures/Plugins with a directory of its own.
struct PluginBench {
  /// Whether the plugins in Python can be run.
  static let hasPython = directories.contains { access("\($0)/python3", X_OK) == 0 }

  let directory: TemporaryDirectory
  let store: PluginStore
  let log: LineLog

  init(
    _ name: String, _ arguments: [String] = [], proves: Bool = true, timeout: Duration = .seconds(60),
    environment: [EnvironmentVariable] = [], pace: PluginPace = PluginPace(), grace: Duration = .milliseconds(200)
  ) throws {
    let directory = try TemporaryDirectory()
    self.directory = directory
    log = LineLog()
    var settings = PluginDestination(
      program: name.contains("/") ? BytePath(name) : Self.plugins.appending(name),
      arguments: arguments.map { $0.replacingOccurrences(of: "$D", with: "\(directory.path)") },
      directory: directory.path)
    settings.provesContent = proves
    settings.timeout = timeout
    settings.environment = environment
    let path = Self.directories.joined(separator: ":")
    store = PluginStore(
      settings, called: DestinationName("p"), environment: ["PATH": Array(path.utf8), "SECRET": Array("s".utf8)],
      grace: grace, pace: pace, logger: log.logger)
  }

  /// One that misbehaves by `fault`.
  static func faulty(
    _ fault: String, always: Bool = false, proves: Bool = true, timeout: Duration = .seconds(60),
    pace: PluginPace = PluginPace()
  ) throws -> PluginBench {
    try PluginBench(
      "faulty", [fault, "$D"] + (always ? ["always"] : []), proves: proves, timeout: timeout, pace: pace)
  }

  private static let plugins = BytePath(
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/Plugins").path)
  /// The system's own first: what stands in front of them may be a script that takes its time.
  private static let directories =
    ["/usr/bin", "/bin"]
    + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":").map(String.init)

  static func path(of name: String) -> String { plugins.appending(name).description }

  @discardableResult
  func put(_ content: String, at key: String) async throws -> PutReceipt {
    let file = try DescriptorFile(directory.write(content, to: "source-\(UUID().uuidString)"))
    return try await store.put(file, at: ObjectKey(key), progress: TransferMeter())
  }

  /// What `faulty` holds.
  func object(_ key: String) -> String? {
    // No such file: no such object.
    (try? directory.read("objects/\(key)")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Every process that `faulty` has been, and those that it has told of.
  var pids: [pid_t] {
    // Nothing has been started yet.
    let text = (try? directory.read("pids")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return text.split(separator: "\n").compactMap { pid_t($0) }
  }

  /// Ends it, and tells which of its processes are left, zombies too.
  func leftOvers() -> [pid_t] {
    store.close()
    return pids.filter { access("/proc/\($0)", F_OK) == 0 }
  }
}

/// Collects what is logged.
final class LineLog: Sendable {
  private let collected = Mutex<[String]>([])

  var lines: [String] { collected.withLock { $0 } }

  var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

  private struct Handler: LogHandler {
    let log: LineLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      log.collected.withLock { $0.append("\(event.level): \(event.message)") }
    }
  }
}

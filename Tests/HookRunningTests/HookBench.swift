import Foundation
import HookRunning
import SlipwayModel
import Synchronization

/// A directory of its own for each test, and the runner on what stands there.
final class HookBench: Sendable {
  let directory: String
  let runner = ProcessHookRunner()

  init() throws {
    directory = NSTemporaryDirectory() + "hook-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try write("manifest.json", #"{"version":1}"# + "\n")
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  func path(_ name: String) -> String { directory + "/" + name }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// An executable script; without a first line of its own, for sh.
  @discardableResult
  func script(_ name: String, _ text: String, mode: Int = 0o755) throws -> BytePath {
    try write(name, text.hasPrefix("#!") ? text : "#!/bin/sh\n" + text)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
    return BytePath(path(name))
  }

  func invocation(
    _ command: Hook.Command, environment: [EnvironmentVariable] = [], timeout: Duration = .seconds(60),
    grace: Duration = .seconds(5), run: RunID = .fresh
  ) -> HookInvocation {
    let base = [
      EnvironmentVariable("PATH", "/usr/local/bin:/usr/bin:/bin"), EnvironmentVariable("SLIPWAY_RUN_ID", run.text),
    ]
    return HookInvocation(
      command: command, environment: base + environment, directory: BytePath(directory),
      manifest: BytePath(path("manifest.json")), timeout: timeout, grace: grace, run: run)
  }

  func run(
    _ command: Hook.Command, environment: [EnvironmentVariable] = [], timeout: Duration = .seconds(60),
    grace: Duration = .seconds(5), onLine: @escaping @Sendable ([UInt8]) -> Void = { _ in }
  ) async -> HookResult {
    await runner.run(
      invocation(command, environment: environment, timeout: timeout, grace: grace), onLine: onLine)
  }

  func shell(
    _ text: String, timeout: Duration = .seconds(60), grace: Duration = .seconds(5),
    onLine: @escaping @Sendable ([UInt8]) -> Void = { _ in }
  ) async -> HookResult {
    await run(.shell(text), timeout: timeout, grace: grace, onLine: onLine)
  }

  /// A hook that hangs until its time limit, which counts from its start. On a busy machine it may not have come up by
  /// then: it is asked again with more time until it had.
  func hanging(
    _ text: String, grace: Duration = .seconds(60), until hadComeUp: (HookResult) -> Bool
  ) async -> HookResult {
    var timeout = Self.hangingTimeoutMin
    while true {
      let result = await shell(text, timeout: timeout, grace: grace)
      timeout *= 4
      if hadComeUp(result) || timeout > .seconds(120) { return result }
    }
  }

  static let hangingTimeoutMin = Duration.milliseconds(300)
}

extension RunID {
  static var fresh: RunID {
    RunID(at: Timestamp(nanoseconds: 0), entropy: (.random(in: 0 ... .max), .random(in: 0 ... .max)))
  }
}

extension HookResult {
  var text: String { String(decoding: output, as: UTF8.self) }
}

/// Lines as they came, from the hook's thread.
final class LineLog: Sendable {
  private let state = Mutex<[[UInt8]]>([])

  var lines: [String] { state.withLock { $0.map { String(decoding: $0, as: UTF8.self) } } }
  var rawLines: [[UInt8]] { state.withLock { $0 } }

  func append(_ line: [UInt8]) {
    state.withLock { $0.append(line) }
  }
}

/// Something that happens once on another thread.
final class Signal: Sendable {
  private let (stream, continuation) = AsyncStream.makeStream(of: Void.self)

  func fire() {
    continuation.yield()
    continuation.finish()
  }

  func wait() async {
    for await _ in stream { return }
  }
}

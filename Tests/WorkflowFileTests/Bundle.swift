import Foundation
import SlipwayModel
import Testing
import WorkflowFile

/// A directory of its own for one test, and a loader that works in it.
final class Bundle {
  let directory: BytePath
  var environment: [String: String] = ["PATH": "/usr/bin:/bin"]
  var trustPermissions = false
  var defaultStateDirectory: BytePath?

  init() {
    var template = Array("/tmp/slipway-file-XXXXXX".utf8CString)
    #expect(mkdtemp(&template) != nil)
    let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    directory = BytePath(made)
  }

  deinit {
    // A directory that stays is no fault of what is tested.
    try? FileManager.default.removeItem(atPath: text(directory))
  }

  func path(_ name: String) -> String { text(directory.appending(name)) }

  func makeDirectory(_ name: String, mode: Int = 0o755) throws {
    try FileManager.default.createDirectory(
      atPath: path(name), withIntermediateDirectories: true, attributes: nil)
    #expect(chmod(path(name), mode_t(mode)) == 0)
  }

  func write(_ name: String, _ content: String = "#!/bin/sh\n", mode: Int = 0o644) throws {
    try write(name, Array(content.utf8), mode: mode)
  }

  func write(_ name: String, _ content: [UInt8], mode: Int = 0o644) throws {
    let parent = (path(name) as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try Data(content).write(to: URL(fileURLWithPath: path(name)))
    #expect(chmod(path(name), mode_t(mode)) == 0)
  }

  var loader: WorkflowFileLoader {
    WorkflowFileLoader(
      environment: environment, workingDirectory: directory, trustPermissions: trustPermissions,
      patterns: CountedParentheses(), defaultStateDirectory: defaultStateDirectory)
  }

  func load(_ yaml: String) -> LoadResult {
    load(Array(yaml.utf8))
  }

  func load(_ yaml: [UInt8]) -> LoadResult {
    loader.load(text: yaml, as: BytePath("workflows.yaml"))
  }

  /// The texts of several files, called `1.yaml`, `2.yaml` and so on.
  func load(merging texts: String...) -> LoadResult {
    loader.load(
      texts: texts.enumerated().map { (BytePath("\($0.offset + 1).yaml"), Array($0.element.utf8)) })
  }

  /// What is told, with the bundle's own path as `$D`.
  func told(_ result: LoadResult) -> [String] {
    result.problems.map { $0.rendered.replacingOccurrences(of: text(directory), with: "$D") }
  }

  /// The first lines of what is told: no quoted line, no caret.
  func heads(_ result: LoadResult) -> [String] {
    told(result).map { String($0.prefix { $0 != "\n" }) }
  }

  private func text(_ path: BytePath) -> String { String(decoding: path.bytes, as: UTF8.self) }
}

/// A whole file around the lines of one workflow; `w` watches `in` and sends to `out`. The lines begin on line 6.
func workflow(_ lines: String, watch: String = "in") -> String {
  """
  version: 1
  destinations: { out: { type: directory, path: delivered } }
  workflows:
    w:
      watch: \(watch)
  \(lines.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }.joined(separator: "\n"))
  """
}

let rest = "ready: { marker: .ready }\ndestinations: [out]"

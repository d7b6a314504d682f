import Foundation
import SlipwayModel
import Testing
import WorkflowFile

@Suite("Problems with where Slipway's own files lie")
struct OwnFilesProblemTests {
  private let bundle = Bundle()

  init() throws {
    for name in ["in", "beside"] { try bundle.makeDirectory(name) }
    try FileManager.default.createSymbolicLink(atPath: bundle.path("link"), withDestinationPath: "in")
  }

  private func heads(_ intake: String, _ more: String = "", state: String = "beside") -> [String] {
    let lines = ["destinations: [out]", intake, more].filter { !$0.isEmpty }.joined(separator: "\n")
    return bundle.heads(
      bundle.load(workflow(lines).replacing("version: 1", with: "version: 1\nsettings: { state_dir: \(state) }")))
  }

  private static let queue = "queue: { working: work, completed: done, failed: bad }"
  private static let deep = [
    "ready: closed", "ready: { marker: .ready }", "ready: { settled: 5s }", "mirror: { delete: true }",
  ]

  @Test("A state directory in a watched directory would be uploaded", arguments: deep)
  func stateDirectory(_ intake: String) {
    for path in ["in", "in/a/state", "link/state"] {
      #expect(
        heads(intake, state: path) == [
          "workflows.yaml:2:24: error: the state directory '$D/\(path)' lies in the watched directory '$D/in'; "
            + "name a directory outside"
        ])
    }
    #expect(heads(intake).isEmpty && heads(intake, state: "inside").isEmpty)
  }

  @Test("A queue looks no deeper than into its own directory")
  func flat() {
    #expect(heads(Self.queue, state: "in").count == 1)
    #expect(heads(Self.queue, state: "in/state").isEmpty)
  }

  @Test("The default state directory is told of at the directory that contains it")
  func defaultStateDirectory() {
    bundle.defaultStateDirectory = bundle.directory.appending("in/.state/slipway")
    #expect(
      bundle.heads(bundle.load(workflow(rest))) == [
        "workflows.yaml:5:12: error: the state directory '$D/in/.state/slipway', which is the default one, lies in the "
          + "watched directory '$D/in'; name one outside with 'state_dir' in 'settings'"
      ])
    #expect(heads("ready: closed").isEmpty)
    bundle.defaultStateDirectory = bundle.directory.appending("beside")
    #expect(bundle.load(workflow(rest)).problems.isEmpty)
  }

  @Test("The file of 'started' would be a tree, or a part of one")
  func started() {
    for intake in ["ready: closed", "ready: { settled: 5s }", "mirror: { delete: true }", Self.queue] {
      #expect(
        heads(intake, "started: in/started") == [
          "workflows.yaml:9:14: error: '$D/in/started' lies in the watched directory '$D/in', and would be uploaded; "
            + "name a file outside, or leave it out with 'exclude'"
        ])
      #expect(heads(intake, "started: beside/started").isEmpty)
      #expect(heads(intake, "started: in/started\nfilter: csv").isEmpty)
    }
    #expect(heads(Self.queue, "started: in/a/started").isEmpty)
    #expect(heads("ready: { marker: .ready }", "started: in/started").isEmpty)
  }
}

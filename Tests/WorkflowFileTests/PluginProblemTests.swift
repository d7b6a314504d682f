import Foundation
import SlipwayModel
import Testing
import WorkflowFile

@Suite("A destination of type plugin")
struct PluginProblemTests {
  private let bundle = Bundle()

  private func text(_ keys: String, _ lines: String = "") -> String {
    workflow(rest + lines).replacingOccurrences(
      of: "{ type: directory, path: delivered }", with: "{ type: plugin, \(keys) }")
  }

  @Test("is decoded with all its keys; a path is relative to the file, and so is where it runs")
  func decoded() throws {
    try bundle.makeDirectory("in")
    try bundle.write("plugins/store", mode: 0o755)
    bundle.environment["BUCKET"] = "b"
    let result = bundle.load(
      text(
        "command: [plugins/store, --to, '${BUCKET}'], prefix: /pre/, timeout: 90s, env: { A: 1 }, pass_env: [TOKEN], "
          + "transfers: 3, proves: true", "\nafter: delete"))
    #expect(bundle.told(result) == [])
    let destination = try #require(result.configuration?.destinations.values.first)
    var expected = PluginDestination(
      program: bundle.directory.appending("plugins/store"), arguments: ["--to", "b"], directory: bundle.directory)
    expected.environment = [EnvironmentVariable("A", "1")]
    expected.passedEnvironment = ["TOKEN"]
    expected.timeout = .seconds(90)
    expected.transfers = 3
    expected.provesContent = true
    #expect(destination.kind == .plugin(expected))
    #expect(destination.prefix == Array("pre".utf8))
  }

  @Test("needs no more than a program, which may stand alone, and proves nothing unless it says so")
  func defaults() throws {
    try bundle.makeDirectory("in")
    let result = bundle.load(text("command: sh"))
    #expect(bundle.told(result) == [])
    guard case .plugin(let settings)? = result.configuration?.destinations.values.first?.kind else {
      Issue.record("no plugin")
      return
    }
    #expect(settings.program == BytePath("sh") && settings.arguments == [])
    #expect(settings.timeout == .seconds(600) && settings.transfers == 8 && !settings.provesContent)
  }

  @Test(
    "Problems are told with their places",
    arguments: [
      ("prefix: x", ["2:17: error: missing key 'command'"]),
      ("command: []", ["2:47: error: expected a program and its arguments, found an empty list"]),
      ("command: { run: sh }", ["2:47: error: expected text or a list, found a mapping"]),
      ("command: none", ["2:47: error: the plugin 'none' is not in PATH or cannot be executed"]),
      ("command: [x/none, a]", ["2:48: error: the plugin '$D/x/none' does not exist"]),
      (
        "command: sh, comand: sh, proves: yes, transfers: 0, timeout: 5, env: { SLIPWAY_X: 1 }, pass_env: [A-B]",
        [
          "2:51: error: unknown key 'comand'; did you mean 'command'?",
          "2:71: error: expected true or false, found 'yes'",
          "2:87: error: expected a whole number from 1 to 1024, found '0'",
          "2:99: error: expected a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m, found '5'",
          "2:109: error: 'SLIPWAY_X' is set by Slipway itself",
          "2:136: error: the name of an environment variable has only letters, digits and '_', found 'A-B'",
        ]
      ),
    ])
  func problems(_ keys: String, _ heads: [String]) throws {
    try bundle.makeDirectory("in")
    #expect(bundle.heads(bundle.load(text(keys))) == heads.map { "workflows.yaml:\($0)" })
  }

  @Test("that others may write is refused; trusted, it is a warning")
  func writers() throws {
    try bundle.makeDirectory("in")
    try bundle.write("store", mode: 0o757)
    let message = "'$D/store' can be written by others (mode 0757); chmod o-w it"
    #expect(bundle.heads(bundle.load(text("command: ./store"))) == ["workflows.yaml:2:47: error: \(message)"])
    bundle.trustPermissions = true
    #expect(bundle.heads(bundle.load(text("command: ./store"))) == ["workflows.yaml:2:47: warning: \(message)"])
  }

  @Test("that proves nothing may not be used where files are deleted or moved")
  func proof() throws {
    try bundle.makeDirectory("in")
    for after in ["delete", "{ move: done }"] {
      #expect(
        bundle.heads(bundle.load(text("command: sh", "\nafter: \(after)"))) == [
          "workflows.yaml:8:12: error: the destination 'out' proves nothing (a plugin without proves: true), so 'after' "
            + "may only keep the files"
        ])
    }
  }
}

import ArgumentParser
import LocalFiles
import PatternMatching
import SlipwayModel
import WorkflowFile

struct ValidateVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "What is wrong with the file, without touching the network.",
    discussion: """
      Tells every problem at once, with file:line:column, and runs the tests of
      each workflow. Ends with 0 or 78.

      EXAMPLES
        slipway validate
        slipway validate -f base.yaml -f site.yaml
        slipway validate --json
      """)

  @Flag(help: "One JSON object a problem.")
  var json = false

  @OptionGroup var file: FileOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let loading = try ConfigurationLoading(file)
    let result = loading.load()
    var findings = result.problems.map(Finding.init)
    if let configuration = result.configuration { findings += Self.failedTests(configuration) }
    for finding in findings { tell(finding) }
    guard let configuration = result.configuration, !findings.contains(where: \.isError) else {
      throw Exit.configuration
    }
    guard !json, !output.quiet else { return }
    let tests = configuration.workflows.reduce(0) { $0 + $1.tests.count }
    print(
      "\(loading.names): \(count(configuration.workflows.count, "workflow")), "
        + "\(count(configuration.destinations.count, "destination")), \(count(tests, "test")): nothing wrong")
  }

  private func tell(_ finding: Finding) {
    if json {
      print(finding.json)
    } else {
      StandardError.shared.write(finding.text)
    }
  }

  private func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  private static func failedTests(_ configuration: Configuration) -> [Finding] {
    configuration.workflows.flatMap { workflow -> [Finding] in
      // The loader has compiled every pattern already.
      guard let selection = try? FileSelection(workflow, compiler: PCRE2Compiler()) else { return [] }
      let values = Template.Values(
        workflow: workflow.name, tree: BytePath("tree"), run: RunID(at: SystemClock().now(), entropy: (0, 0)),
        date: CalendarDate(SystemClock().now()), environment: ProcessEnvironment.bytes, host: ProcessEnvironment.host)
      return WorkflowCheck(workflow, selection: selection, values: values).problems().map(Finding.init)
    }
  }
}

/// One thing to tell of a file.
private struct Finding {
  let location: SourceLocation
  let severity: String
  let message: String
  let text: String

  init(_ problem: Problem) {
    location = problem.location
    severity = problem.severity.rawValue
    message = problem.message
    text = problem.rendered
  }

  init(_ failure: (test: WorkflowTest, message: String)) {
    location = failure.test.location
    severity = "error"
    message = "test failed: \(failure.message)"
    text = "\(location): error: \(message)"
  }

  var isError: Bool { severity == "error" }

  var json: String {
    String(
      decoding: JSONText.object([
        "file": JSONText.string(location.file), "line": JSONText.number(location.line),
        "column": JSONText.number(location.column), "severity": JSONText.string(severity),
        "message": JSONText.string(message),
      ]), as: UTF8.self)
  }
}

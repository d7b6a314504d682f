import ArgumentParser
import SlipwayModel

struct ValidateVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "What is wrong with the file, without touching the network.",
    discussion: """
      Tells every problem at once, with file:line:column, and runs the tests of each workflow. Ends with 0 or 78.

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
    let failures = result.configuration.map { loading.failedTests($0) } ?? []
    for problem in result.problems + failures { tell(problem) }
    guard let configuration = result.configuration, failures.isEmpty else { throw Exit.configuration }
    guard !json, !output.quiet else { return }
    let tests = configuration.workflows.reduce(0) { $0 + $1.tests.count }
    print(
      "\(loading.names): \(configuration.workflows.count) workflows, \(configuration.destinations.count) destinations, "
        + "\(tests) tests: nothing wrong")
  }
}

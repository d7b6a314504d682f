import ArgumentParser
import Engine
import SlipwayModel
import StatusServing

struct RetryVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "A failed run goes on where it failed.",
    discussion: """
      A post hook that failed is started again, alone; an upload goes on with what
      has not arrived. A running service goes on with it at once; without one it is
      noted, and the next 'slipway run' goes on with it.

      EXAMPLES
        slipway retry 01kaj2m3n4p5q6r7s8t9v0w1x2
        slipway retry --failed     all failed trees that still lie there
      """)

  @Argument(help: ArgumentHelp("The run's ID, as 'slipway runs' tells it.", valueName: "run"))
  var run: String?

  @Flag(help: "All failed runs whose trees still lie there.")
  var failed = false

  @OptionGroup var place: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if (run == nil) == !failed { throw ValidationError("name a run, or give --failed.") }
  }

  func run() async throws {
    let assembly = try place.assembly(output)
    try await Asking(assembly: assembly).run(run.map { .retry(RunID($0)) } ?? .retryFailed) { ledger in
      var ports = assembly.localPorts()
      ports.ledger = ledger
      return RunAnswers(control: RunRequests(ports: ports, logger: assembly.logger), isUnderWay: false)
    }
  }
}

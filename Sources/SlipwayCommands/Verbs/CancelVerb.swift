import ArgumentParser
import Engine
import SlipwayModel
import StatusServing

struct CancelVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "End a run that is not over; its tree stays.",
    discussion: """
      A hook that is running is stopped, and no further one is run. Unfinished
      multipart uploads of the run are ended; objects that have arrived stay, and
      are told.

      EXAMPLES
        slipway cancel 01kaj2m3n4p5q6r7s8t9v0w1x2
        slipway cancel 01kaj2m3n4p5q6r7s8t9v0w1x2 --state-dir /var/lib/slipway
      """)

  @Argument(help: ArgumentHelp("The run's ID, as 'slipway runs' tells it.", valueName: "run"))
  var run: String

  @OptionGroup var place: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let assembly = try place.assembly(output)
    try await Asking(assembly: assembly).run(.cancel(RunID(run))) { ledger throws(Failure) in
      let running = try assembly.open(over: ledger, state: assembly.stateDirectory, watches: false)
      return RunAnswers(control: RunRequests(ports: running.ports, logger: assembly.logger), isUnderWay: false)
    }
  }
}

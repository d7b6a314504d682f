import ArgumentParser
import SlipwayModel

struct RunsVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "The newest runs; works beside a running service.",
    discussion: """
      EXAMPLES
        slipway runs
        slipway runs --state failed -n 100
        slipway runs --workflow nightly --json
      """)

  @Option(help: ArgumentHelp("Only runs of this workflow.", valueName: "name"))
  var workflow: String?

  @Option(
    help: ArgumentHelp("Only runs in this state: ready, uploading, waiting, done, failed, ...", valueName: "state"))
  var state: String?

  @Option(name: [.customShort("n"), .long], help: "How many at the most.")
  var limit = 20

  @Flag(help: "One JSON object a run.")
  var json = false

  @OptionGroup var place: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if limit < 1 { throw ValidationError("-n takes a number from 1.") }
    if let state, !RunState.names.contains(state) {
      throw ValidationError("--state takes one of \(RunState.names.joined(separator: ", ")).")
    }
  }

  func run() async throws {
    do throws(Failure) {
      let ledger = try await place.open()
      let runs = try await ledger.runs(
        matching: RunFilter(workflow: workflow.map { WorkflowName($0) }, state: state), limit: limit)
      if json {
        for run in runs { print(RunText.json(run)) }
      } else {
        print(RunText.table(runs, now: place.clock.now()))
      }
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
  }
}

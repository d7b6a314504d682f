import ArgumentParser
import Engine
import RunLedger
import SlipwayModel
import StatusServing
import WorkflowFile

struct StatusVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "What each workflow has under way, waiting, failed and done lately, and whether a process runs.",
    discussion: """
      Takes no lock: works beside a running service, and without one. Where a
      process runs it says how well it sees and reaches what it has to: degraded is
      one of which a watched directory is gone or polled, or a destination out.
      Failed are the trees whose latest run has failed; done lately is what was done
      within the last 24 hours.

      EXAMPLES
        slipway status
        slipway status -n 100     so many runs of each kind
        slipway status --json     an object for the process, then one a workflow
        slipway status --state-dir /var/lib/slipway
      """)

  @Option(name: [.customShort("n"), .long], help: "How many runs of each kind at the most.")
  var limit = 5

  @Flag(help: "JSON: an object for the process, then one a workflow.")
  var json = false

  @OptionGroup var place: LedgerOptions
  @OptionGroup var output: OutputOptions

  /// What counts as lately.
  private static let lately = Duration.seconds(86_400)

  func validate() throws {
    if limit < 0 { throw ValidationError("-n takes a number from 0.") }
  }

  func run() async throws {
    let assembly = try place.assembly(output, checking: .file)
    do throws(Failure) {
      let now = assembly.clock.now()
      let process = StateDirectory.holder(of: assembly.stateDirectory)
      let text = StatusText(
        state: assembly.stateDirectory, process: process, health: try await health(assembly.stateDirectory),
        workflows: try await workflows(assembly, since: now + (.zero - Self.lately)),
        dryRuns: Set(assembly.configuration.workflows.filter(\.isDryRun).map(\.name)), now: now)
      print(json ? text.json : text.lines)
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
  }

  /// Those of the file in its order, then others that the ledger knows something of.
  private func workflows(_ assembly: Assembly, since start: Timestamp) async throws(Failure) -> [WorkflowStatus] {
    let names = assembly.configuration.workflows.map(\.name)
    var known: [WorkflowStatus] = []
    do throws(Failure) {
      let ledger = try await SQLiteLedger(readingAt: assembly.stateDirectory)
      known = try await ledger.status(doneSince: start, limit: limit)
      await ledger.close()
    } catch {
      // Before the first start there is nothing to tell of the file's workflows.
      if error.code != SQLiteLedger.noLedger || names.isEmpty { throw error }
    }
    let others = known.filter { !names.contains($0.workflow) }
    return names.map { name in known.first { $0.workflow == name } ?? WorkflowStatus(name) } + others
  }

  /// nil where no process answers, or where it does not know the question.
  private func health(_ state: BytePath) async throws(Failure) -> Health? {
    guard let answer = try await Asking.ask(state, .health), answer.verdict == .done else { return nil }
    return HealthText.parsed(answer.text)
  }
}

import ArgumentParser
import Engine
import SlipwayModel

struct RunVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "The service: watches, runs hooks, uploads. The default verb.",
    discussion: """
      EXAMPLES
        slipway run                 until it is stopped by SIGTERM or SIGINT
        slipway run --once          what is ready, waits or failed earlier
        slipway run --dry-run       what --once would do, without doing it
        slipway run --dry-run --fail-rate 0.2
                                    a fifth of the uploads fails: to try hooks
        slipway run --only nightly -f /etc/slipway/workflows.yaml --log json

      The first SIGTERM or SIGINT ends the intake and finishes or records what is
      under way within settings.drain; the second ends the process at once.
      """)

  @Flag(help: "Upload what is ready, what waits and what failed earlier, then end.")
  var once = false

  @OptionGroup var dryRunOptions: DryRunOptions

  @Option(help: ArgumentHelp("Only this workflow; several times.", valueName: "name"))
  var only: [String] = []

  @Option(help: "How log lines look: text or json.")
  var log = LogFormat.text

  @OptionGroup var file: FileOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let assembly = dryRunOptions.applied(to: try Assembly.reading(file, output: output, log: log))
    let names = try assembly.workflowNames(only)
    if dryRunOptions.dryRun == true { return try await dryRunOptions.printer(assembly, only: names).run() }
    if once { return try await ServiceRun(assembly: assembly, only: names, mode: .once).run() }
    try await ServiceRun(assembly: assembly, only: names, mode: .service, reading: rereading).run()
  }

  /// For SIGHUP: the file as it is now, nil if it cannot be used; its problems are told.
  private func rereading() -> Assembly? {
    // What is wrong has been told by then.
    (try? Assembly.reading(file, output: output, log: log)).map(dryRunOptions.applied)
  }
}

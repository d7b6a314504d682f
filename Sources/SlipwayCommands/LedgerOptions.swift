import ArgumentParser
import LocalFiles
import RunLedger
import SlipwayModel
import WorkflowFile

/// For verbs that read the ledger, beside a running service or without one.
struct LedgerOptions: ParsableArguments {
  @OptionGroup var file: FileOptions

  @Option(
    help: ArgumentHelp(
      "The state directory itself, instead of the one that the file names; for 'watch', the one that it tells.",
      valueName: "dir"))
  var stateDir: String?

  var clock: any SlipwayModel.Clock { SystemClock() }

  /// Takes no lock and writes nothing. A file that names what is not there, or not any more, serves all the same.
  func open() async throws(Failure) -> any Ledger {
    try await SQLiteLedger(readingAt: try directory())
  }

  /// For what acts, or with `.file` only looks. With --state-dir alone nothing is known of workflows and destinations.
  /// Tells what is wrong with the file, and ends with 78.
  func assembly(
    _ output: OutputOptions, checking scope: WorkflowFileLoader.Scope = .fileAndSurroundings
  ) throws -> Assembly {
    let isAlone = stateDir != nil && file.files.isEmpty
    var configuration = isAlone ? Configuration() : try ConfigurationLoading(file).loadOrExit(scope)
    if let stateDir { configuration.settings.stateDirectory = BytePath(absolutizing: stateDir) }
    return Assembly(configuration, output: output, log: .text)
  }

  private func directory() throws(Failure) -> BytePath {
    if let stateDir { return BytePath(absolutizing: stateDir) }
    do {
      let configuration = try ConfigurationLoading(file).loadOrExit(.file)
      return configuration.settings.stateDirectory ?? Assembly.defaultStateDirectory
    } catch {
      throw Failure(
        .permanent, "find", "the ledger", cause: "the workflow file cannot be used",
        remedy: "mend it, or name the directory with --state-dir")
    }
  }
}

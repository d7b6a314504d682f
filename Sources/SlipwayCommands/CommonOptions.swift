import ArgumentParser
import Logging
import SlipwayModel

/// What every verb takes.
struct OutputOptions: ParsableArguments {
  @Flag(name: [.short, .long], help: "Tell more: each file.")
  var verbose = false

  @Flag(name: [.short, .long], help: "Tell errors only.")
  var quiet = false

  func validate() throws {
    if verbose && quiet { throw ValidationError("-v and -q exclude one another.") }
  }

  func logger(format: LogFormat = .text, clock: any SlipwayModel.Clock, normal: Logger.Level = .info) -> Logger {
    let level: Logger.Level = verbose ? .debug : quiet ? .error : normal
    return Logger(label: "slipway") { _ in LineLogHandler(format: format, level: level, clock: clock) }
  }
}

/// For verbs that read the workflow file.
struct FileOptions: ParsableArguments {
  @Option(
    name: [.customShort("f"), .customLong("file")],
    help: ArgumentHelp(
      "The workflow file; several times: later ones win key by key.",
      discussion: """
        Without it, the first of ./workflows.yaml, $XDG_CONFIG_HOME/slipway/workflows.yaml \
        and /etc/slipway/workflows.yaml.
        """, valueName: "path"))
  var files: [String] = []

  @Flag(help: "Warn of files that others may write, where it would be an error.")
  var trustPermissions = false
}

extension LogFormat: ExpressibleByArgument {}

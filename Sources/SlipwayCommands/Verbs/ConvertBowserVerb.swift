import ArgumentParser
import SlipwayModel

struct ConvertBowserVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bowser",
    abstract: "From bowser's configuration files.",
    discussion: """
      Prints a workflow file that does what bowser did: the same markers, sidecars,
      buckets and prefixes. Of several files later ones win, as /etc/bowser.toml and
      the user's do. Keys are not printed: they become references to environment
      variables, which the file names. What cannot be taken over is told, there and
      as warnings.

      EXAMPLES
        slipway convert bowser /etc/bowser.toml ~/.config/bowser/bowser.toml \\
          --watch /srv/out > workflows.yaml
        slipway convert bowser bowser.toml --watch /srv/out --strategy count -n 5
      """)

  enum Strategy: String, ExpressibleByArgument, CaseIterable {
    case sentinel, count
  }

  @Argument(help: ArgumentHelp("A bowser.toml; later ones win key by key.", valueName: "file"))
  var files: [String]

  @Option(help: ArgumentHelp("The directory that bowser was given.", valueName: "dir"))
  var watch = "."

  @Option(help: "The strategy that bowser was given: sentinel or count.")
  var strategy = Strategy.sentinel

  @Option(name: .customShort("n"), help: "How many trees, with --strategy count.")
  var count: Int?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if files.isEmpty { throw ValidationError("name a bowser.toml.") }
    if strategy == .count, (count ?? 0) < 1 { throw ValidationError("--strategy count needs -n with 1 or more.") }
    if strategy != .count, count != nil { throw ValidationError("-n goes with --strategy count.") }
  }

  func run() async throws {
    try output.convert { () throws(ConversionProblem) in
      BowserWorkflows(
        try BowserConfiguration(try TOMLItem.merged(files)), from: files, watch: watch,
        strategy: strategy == .count ? .count(count ?? 1) : .sentinel
      ).file
    }
  }
}

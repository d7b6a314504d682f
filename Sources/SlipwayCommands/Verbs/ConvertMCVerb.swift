import ArgumentParser
import SlipwayModel

struct ConvertMCVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mc",
    abstract: "From a command line of 'mc mirror'.",
    usage: "slipway convert mc [--verbose] [--quiet] -- mirror [FLAGS] SOURCE TARGET",
    discussion: """
      Prints a workflow file that does what the command does. The alias of TARGET
      is looked up in MC_HOST_ALIAS, and in config.json of --config-dir, of
      MC_CONFIG_DIR or of ~/.mc. Its keys are not printed: they become references
      to MC_ACCESS_KEY_ID and MC_SECRET_ACCESS_KEY. What cannot be taken over is
      told, in the file and as warnings. Instead of the words behind -- one text
      will do, as it stands in a script or a unit.

      EXAMPLES
        slipway convert mc -- mirror --watch --exclude '*.tmp' /srv/site minio/site
        slipway convert mc -- -C /etc/mc mirror --overwrite ./out minio/site/www
        slipway convert mc "mc mirror --watch --exclude '.git/*' ./out minio/site"
      """)

  @Argument(help: ArgumentHelp("The command, with or without 'mc' in front.", valueName: "args"))
  var arguments: [String]

  @OptionGroup var output: OutputOptions

  func run() async throws {
    let environment = ProcessEnvironment.text
    try output.convert { () throws(ConversionProblem) in
      try MCMirror(try Self.words(arguments, home: environment["HOME"]), environment: environment).file
    }
  }

  /// One argument with blanks in it is a whole command line.
  static func words(_ arguments: [String], home: String?) throws(ConversionProblem) -> [String] {
    guard arguments.count == 1, arguments[0].contains(where: \.isWhitespace) else { return arguments }
    return try ShellWords.split(arguments[0], home: home)
  }
}

import ArgumentParser
import Engine
import Logging
import SlipwayModel

struct WatchVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "The service for one directory, without a file.",
    discussion: """
      Each directory in or below DIR in which the marker appears is uploaded as a
      tree. Credentials, region and endpoint come from the environment:
      AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,
      AWS_ENDPOINT_URL_S3.

      EXAMPLES
        slipway watch ./out --to s3://ci-artifacts/builds
        slipway watch ./out --to /mnt/archive --filter '\\.tar\\.gz$'
        slipway watch ./out --to s3://bucket --strategy sentinel
                                     until ./out/.complete appears
        slipway watch ./out --to s3://bucket --strategy count -n 3
                                     until three trees are through
      """)

  enum Strategy: String, ExpressibleByArgument, CaseIterable {
    case none, sentinel, count
  }

  @Argument(help: ArgumentHelp("The directory to watch.", valueName: "dir"))
  var directory: String

  @Option(help: ArgumentHelp("s3://bucket/prefix, or a directory.", valueName: "destination"))
  var to: String

  @Option(help: ArgumentHelp("The file that marks a directory as a tree.", valueName: "name"))
  var marker = ".ready"

  @Option(help: "When to end: none, sentinel (a file .complete in DIR; .abort takes no further tree) or count.")
  var strategy = Strategy.none

  @Option(name: .customShort("n"), help: "How many trees, with --strategy count.")
  var count: Int?

  @Option(help: ArgumentHelp("Take only files that match; several times: any.", valueName: "regex"))
  var filter: [String] = []

  @Option(help: ArgumentHelp("What is stripped from the absolute path.", valueName: "path"))
  var sourcePrefix: String?

  @Option(help: ArgumentHelp("What is put in front of the key.", valueName: "template"))
  var targetPrefix: String?

  @Option(help: ArgumentHelp("Where the ledger is kept; default: a directory of its own by DIR.", valueName: "dir"))
  var stateDir: String?

  @Flag(help: "Upload what is ready, then end.")
  var once = false

  @Flag(help: "Print what --once would do; send nothing, write nothing.")
  var dryRun = false

  @Option(help: "How log lines look: text or json.")
  var log = LogFormat.text

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if strategy == .count, (count ?? 0) < 1 { throw ValidationError("--strategy count needs -n with 1 or more.") }
    if strategy != .count, count != nil { throw ValidationError("-n goes with --strategy count.") }
  }

  func run() async throws {
    let configuration = try WatchConfiguration(self).configuration()
    let assembly = Assembly(configuration, output: output, log: log)
    if dryRun { return try await DryRunPrinter(assembly: assembly, only: nil).run() }
    assembly.logger.info("the ledger is kept in \(assembly.stateDirectory)")
    try await ServiceRun(assembly: assembly, only: nil, mode: once ? .once : .service).run()
  }
}

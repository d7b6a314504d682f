import ArgumentParser
import Glibc

/// The command with all its verbs.
package struct SlipwayCommand: AsyncParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "slipway",
    abstract: "Watches directories and launches what is ready: to S3 or to a directory, with hooks around it.",
    discussion: """
      Without a verb, 'slipway' is 'slipway run': it reads workflows.yaml and
      serves until it is stopped.

      EXAMPLES
        slipway validate                     what is wrong with the file
        slipway check                        what the destinations can do
        slipway run --once                   upload what is ready now, and end
        slipway push nightly ./out/build-17  deliver this tree now, and wait for it
        slipway watch ./out --to s3://bucket/builds
        slipway explain ./out/a/x.tar.gz     what becomes of this file, and why

      EXIT CODES
        0     all went well
        1     a run failed; 'check' or 'verify' found something; for 'explain',
              no workflow takes the path
        64    usage
        70    a bug
        74    the state directory cannot be written
        75    try again later
        78    configuration
        129   at a second signal that is SIGHUP, of --once, 'push' and 'watch'
        130   at a second signal that is SIGINT
        143   at a second signal that is SIGTERM
      """,
    version: "0.1.0",
    subcommands: [
      RunVerb.self, WatchVerb.self, PushVerb.self, ValidateVerb.self, ExplainVerb.self, HookVerb.self, StatusVerb.self,
      RunsVerb.self,
      ShowVerb.self, RetryVerb.self, CancelVerb.self, CheckVerb.self, VerifyVerb.self, CleanupVerb.self,
      ConvertVerb.self,
    ],
    defaultSubcommand: RunVerb.self)

  package init() {}

  /// Credentials are in memory: no core of this process is written. The soft limit 1 keeps it from core files, which
  /// would be too small, and from programs that cores are piped to, for which it means none (core(5)).
  private static func writeNoCores() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = min(1, limit.rlim_max)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
  }

  /// Reads the command line and runs the verb; ends the process.
  package static func start() async {
    // A write to a broken pipe then tells it as EPIPE.
    signal(SIGPIPE, SIG_IGN)
    writeNoCores()
    await main()
  }
}

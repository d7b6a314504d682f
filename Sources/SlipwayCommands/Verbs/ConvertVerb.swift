import ArgumentParser

struct ConvertVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "A workflows.yaml from another tool's configuration.",
    discussion: """
      It goes to standard output; what has no counterpart is told there and as
      warnings, each with what to do. Which flag of mc, rclone, lsyncd, autosync and
      s5cmd is which key stands in the repository, in
      Sources/SlipwayCommands/Documentation.docc/Coming-from-another-tool.md.

      EXAMPLES
        slipway convert bowser /etc/bowser.toml > workflows.yaml
        slipway convert mc -- mirror --watch --remove /srv/site minio/site \\
          > workflows.yaml
      """,
    subcommands: [ConvertBowserVerb.self, ConvertMCVerb.self])
}

import ArgumentParser

struct ConvertVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "A workflows.yaml from another tool's configuration.",
    discussion: """
      EXAMPLES
        slipway convert bowser /etc/bowser.toml > workflows.yaml
      """,
    subcommands: [ConvertBowserVerb.self])
}

import Foundation
import PatternMatching
import SlipwayModel
import TestSupport
import Testing
import WorkflowFile

@Suite("Coming from another tool", .needsBinary)
struct OtherToolsTests {
  private let page: Readme

  init() throws {
    page = try Readme("Sources/SlipwayCommands/Documentation.docc/Coming-from-another-tool.md")
  }

  private static let tools = ["mc mirror", "rclone", "s5cmd sync", "lsyncd", "autosync"]

  /// The keys of a mapping, and those of the mappings in it: `mirror.delete`.
  private func isKnown(_ path: String, _ keys: KnownKeys) -> Bool {
    let parts = path.split(separator: ".").map(String.init)
    if parts.count == 2 { return keys[parts[0]].contains(parts[1]) }
    return parts.count == 1
      && ["workflow", "s3", "directory", "plugin", "top"].contains { keys[$0].contains(parts[0]) }
  }

  @Test("Every key that it names is one that the program reads", arguments: tools)
  func keys(_ tool: String) async throws {
    try await World.with(.none) { world in
      let keys = try await KnownKeys(world)
      let rows = try page.table(tool)
      #expect(rows.count > 8)
      var named = 0
      for row in rows {
        try #require(row.count == 2, "\(row)")
        for code in Readme.code(in: row[1]) where !code.hasPrefix("slipway ") && !code.hasPrefix("hooks/") {
          #expect(isKnown(String(code.prefix { $0 != ":" }), keys), "\(row[0]): \(code)")
          named += 1
        }
        let hasKey = !Readme.code(in: row[1]).isEmpty
        #expect(hasKey || row[1].hasPrefix("none: ") || row[1].hasPrefix("nothing: "), "\(row[0]) leads nowhere")
      }
      #expect(named > 5)
    }
  }

  @Test("A value that it names with a key is one that the key takes")
  func values() async throws {
    let cells = try Self.tools.flatMap { try page.table($0) }.flatMap { Readme.code(in: $0[1]) }
    let pairs = Set(cells.filter { $0.contains(": ") && !$0.hasPrefix("type:") })
    let bucket = pairs.filter { ["overwrite", "checksum", "multipart_threshold"].contains($0.prefix { $0 != ":" }) }
    #expect(bucket == ["overwrite: never", "checksum: none", "multipart_threshold: 5GiB"])
    let workflow = pairs.subtracting(bucket).filter { !$0.hasPrefix("mirror.") && !$0.hasPrefix("ready: closed") }
    #expect(workflow == ["dry_run: true", "after: delete", "symlinks: follow", "ready: { settled: 5s }"])
    for value in ["true", "false"] { #expect(pairs.contains("mirror.delete: \(value)")) }
    try await World.with(.none) { world in
      for (keys, lines) in [
        ([], ["ready: closed", "after: delete"]), ([], ["ready: { settled: 5s }", "dry_run: true"]),
        ([], ["ready: { marker: .ready }", "symlinks: follow"]),
        (bucket.sorted(), ["mirror: { delete: true }"]), ([], ["mirror: { delete: false }"]),
      ] {
        let destination = (["type: s3", "bucket: some-bucket", "region: x"] + keys).joined(separator: ", ")
        try world.scratch.write(
          "version: 1\ndestinations:\n  s: { \(destination) }\nworkflows:\n  w:\n    watch: in\n    destinations: [s]\n"
            + lines.map { "    \($0)\n" }.joined(), to: "workflows.yaml")
        try await world.run("validate")
      }
    }
  }

  @Test("Each command and each ready-made hook that it names is there, with the options that it has")
  func commands() async throws {
    let cells = try Self.tools.flatMap { try page.table($0) }.flatMap { Readme.code(in: $0[1]) }
    let hooks = Set(cells.filter { $0.hasPrefix("hooks/") })
    for hook in hooks {
      #expect(FileManager.default.fileExists(atPath: Readme.repository.appendingPathComponent(hook).path), "\(hook)")
    }
    try await World.with(.none) { world in
      let commands = Set(cells.filter { $0.hasPrefix("slipway ") })
      #expect(commands.count > 5)
      for command in commands {
        let words = command.split(separator: " ").dropFirst().map(String.init)
        let verb = Array(words.prefix { $0.allSatisfy(\.isLowercase) }.prefix(words.first == "convert" ? 2 : 1))
        let help = try await world.run(verb + ["--help"]).lines(.output).joined(separator: "\n")
        for option in words where option.hasPrefix("-") { #expect(help.contains(option), "\(command)") }
      }
    }
  }

  @Test("Its example is right")
  func example() async throws {
    try await World.with(.none) { world in
      try world.scratch.makeDirectory("srv/site")
      let text = try #require(page.blocks("yaml").first)
      try world.scratch.write(text.replacing(" /srv/", with: " \(world.scratch("srv/"))"), to: "workflows.yaml")
      let validated = try await world.run("validate")
      #expect(validated.lines(.errors) == [])
    }
  }
}

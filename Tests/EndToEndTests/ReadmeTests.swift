import Foundation
import PatternMatching
import SlipwayModel
import TestSupport
import Testing
import WorkflowFile

@Suite("What the README promises", .needsBinary)
struct ReadmeTests {
  private let readme: Readme

  init() throws {
    readme = try Readme()
  }

  @Test("Every workflow file in it, and workflows.yaml, is right: nothing is told, and its tests hold")
  func files() async throws {
    let own = try String(contentsOf: Readme.repository.appendingPathComponent("workflows.yaml"), encoding: .utf8)
    let blocks = readme.blocks("yaml")
    #expect(!blocks.isEmpty)
    for text in blocks + [own] {
      try await World.with(.none) { world in
        try world.copyFromRepository("hooks")
        for directory in [
          "srv/ci/out", "srv/out", "srv/inbox", "srv/site", "srv/spool", "srv/uploads", "mnt", "demo/out",
        ] {
          try world.scratch.makeDirectory(directory)
        }
        // The machine's own directories stand below the test's.
        let here = text.replacingOccurrences(of: " /srv/", with: " \(world.scratch("srv/"))")
          .replacingOccurrences(of: " /mnt/", with: " \(world.scratch("mnt/"))")
        try world.scratch.write(here, to: "workflows.yaml")
        let loader = WorkflowFileLoader(
          environment: ["PATH": "/usr/bin:/bin"], workingDirectory: BytePath(world.scratch.path),
          patterns: PCRE2Compiler())
        let result = loader.load([BytePath("workflows.yaml")])
        #expect(result.problems.map(\.rendered) == [])
        #expect(result.configuration?.workflows.contains { !$0.tests.isEmpty } == true)
        let validate = try await world.run("validate")
        #expect(validate.lines().count == 1, "\(validate.transcript)")
      }
    }
  }

  @Test("The first command delivers a tree with its hooks; what it leads to says the text below it")
  func demonstration() async throws {
    try await World.with(.none) { world in
      try await runDemonstration(world)
      let copies = try world.scratch.files(below: "demo/archive").map { String(decoding: $0, as: UTF8.self) }
      #expect(copies.count == 2 && copies.allSatisfy { $0.hasPrefix("publish/") }, "\(copies)")
      #expect(copies.contains { $0.hasSuffix("/first/hello.txt") } && copies.contains { $0.hasSuffix("/SHA256SUMS") })
      let hello = try #require(copies.first { $0.hasSuffix("hello.txt") })
      #expect(world.scratch.read("demo/archive/\(hello)") == Array("hello\n".utf8))
      #expect(world.scratch.lines("demo/out/first/SHA256SUMS").count == 1)

      let byHand = try #require(Readme.code(in: readme.text).first { $0.hasPrefix("slipway hook run") })
      let hook = try world.startProgram(["/bin/sh", "-c", inBuild(byHand)])
      try await hook.expectEnd(.exited(0))
    }
  }

  @Test("Without --once it goes on watching, and takes the second tree")
  func second() async throws {
    try await World.with(.none) { world in
      try await runDemonstration(world)
      let command = try #require(Readme.code(in: readme.text).first { $0.contains("demo/out/second/.ready") })
      let service = try world.start("run")
      #expect(await service.line(containing: "watching") != nil, "\(service.transcript)")
      try await world.startProgram(["/bin/sh", "-c", command]).expectEnd(.exited(0))
      #expect(await service.line(containing: "second has arrived") != nil, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      let copies = try world.scratch.files(below: "demo/archive").map { String(decoding: $0, as: UTF8.self) }
      #expect(copies.contains { $0.hasSuffix("/second/README.md") }, "\(copies)")
    }
  }

  /// The first command from behind its build on, with the program under test in the place of what it would have built.
  private func runDemonstration(_ world: World) async throws {
    let steps = try readme.command(marked: "try").components(separatedBy: " && ")
    let build = try #require(steps.firstIndex { $0.hasPrefix("swift build ") })
    #expect(steps[..<build].allSatisfy { $0.hasPrefix("apt-get ") }, "what is left out is installed or built")
    try world.copyFromRepository("workflows.yaml", "hooks", "README.md")
    try world.scratch.makeDirectory(".build/release")
    let binary = try #require(SlipwayBinary.path)
    #expect(symlink(binary, world.scratch(".build/release/slipway")) == 0)
    let rest = steps[(build + 1)...].joined(separator: " && ")
    let program = try world.startProgram(["/bin/sh", "-c", rest])
    try await program.expectEnd(.exited(0))
    for told in ["/hooks/cleanup", "first has arrived"] {
      #expect(program.lines(.errors).contains { $0.contains(told) }, "\(program.transcript)")
    }
    let listed = program.lines(.output).filter { $0.hasPrefix("demo/archive/publish/") }
    #expect(listed.count == 2, "find shows both objects: \(program.transcript)")
  }

  private func inBuild(_ command: String) -> String { ".build/release/\(command)" }

  @Test("The command for the tests, and every file that it links to, is there and can be used")
  func links() throws {
    #expect(readme.blocks("sh").contains("Tests/run\n"))
    let run = Readme.repository.appendingPathComponent("Tests/run").path
    #expect(FileManager.default.isExecutableFile(atPath: run))
    let links = readme.text.matches(of: #/\]\(([^):]+)\)/#).map { String($0.output.1) }
    #expect(links.contains("workflows.yaml") && links.contains("hooks"))
    for link in links {
      #expect(FileManager.default.fileExists(atPath: Readme.repository.appendingPathComponent(link).path), "\(link)")
    }
  }

  @Test("The ready-made hooks that it names are those that there are")
  func hooks() throws {
    let start = try #require(readme.text.range(of: "(hooks): "))
    let named = Readme.code(in: String(readme.text[start.upperBound...].prefix { $0 != "." }))
    let there = try FileManager.default.contentsOfDirectory(
      atPath: Readme.repository.appendingPathComponent("hooks").path)
    #expect(named.sorted() == there.sorted())
  }
}

@Suite("The tables of the README", .needsBinary)
struct ReadmeTableTests {
  private let readme: Readme

  init() throws {
    readme = try Readme()
  }

  @Test("Its verbs are the program's, all of them, each with help, examples and the options that it names")
  func verbs() async throws {
    try await World.with(.none) { world in
      let named = try readme.table("verb").map { row in Readme.code(in: row[0]).map(Self.verb) }.flatMap(\.self)
      let help = try await world.run("--help").lines(.output)
      let subcommands = try #require(help.firstIndex(of: "SUBCOMMANDS:"))
      let lines = help[(subcommands + 1)...].prefix { !$0.isEmpty }.filter { !$0.hasPrefix("   ") }
      let listed = lines.compactMap { $0.split(separator: " ").first.map(String.init) }
      // `hook` and `convert` have verbs below them.
      #expect(Set(named.map { String($0.prefix { $0 != " " }) }) == Set(listed))
      for row in try readme.table("verb") {
        for verb in Readme.code(in: row[0]) {
          let words = Self.verb(verb).split(separator: " ").map(String.init)
          let text = try await helpText(of: words, world)
          #expect(text.contains("EXAMPLES"), "\(verb)")
          for option in Readme.code(in: row.joined()).flatMap(Self.options) {
            #expect(text.contains(option), "\(verb): \(option)")
          }
        }
      }
    }
  }

  private func helpText(of verb: [String], _ world: World) async throws -> String {
    let program =
      verb.count == 1
      ? try await world.run(verb[0], "--help") : try await world.run(verb[0], verb[1], "--help")
    return program.lines(.output).joined(separator: "\n")
  }

  /// The lowercase words behind `slipway`: `hook run` of `slipway hook run HOOK --tree DIR`.
  private static func verb(_ command: String) -> String {
    let words = command.split(separator: " ").dropFirst().prefix { $0.allSatisfy(\.isLowercase) }
    return words.joined(separator: " ")
  }

  private static func options(_ text: String) -> [String] {
    text.split(separator: " ").filter { $0.hasPrefix("--") }.map(String.init)
  }

  @Test("Its keys are those that the program reads, all of them")
  func keys() async throws {
    try await World.with(.none) { world in
      let known = try await KnownKeys(world)
      let outside = known["workflow"].union(known["top"])
      let rows = try readme.table("key")
      let named = Set(rows.filter { $0[0] != "templates" }.flatMap { Readme.code(in: $0[0]) })
      #expect(named.subtracting(outside) == [])
      let example = readme.blocks("yaml").joined()
      for key in outside where !named.contains(key) {
        #expect(example.contains("\(key):"), "\(key) is shown nowhere")
      }
      let inside = try #require(rows.first { Readme.code(in: $0[0]) == ["settings"] })
      #expect(Set(Readme.code(in: inside[1])) == known["settings"])
      let kinds = try #require(rows.first { Readme.code(in: $0[0]) == ["destinations"] })[1]
        .components(separatedBy: "; ")
      let more = try readme.table("key of a bucket").flatMap { Readme.code(in: $0[0]) }
      #expect(Set(Readme.code(in: kinds[0]) + more) == known["s3"].subtracting(["type"]).union(["type: s3"]))
      #expect(Set(Readme.code(in: kinds[1])) == known["directory"].subtracting(["type"]).union(["type: directory"]))
      #expect(Set(Readme.code(in: kinds[2])) == known["plugin"].subtracting(["type"]).union(["type: plugin"]))
    }
  }

  @Test("A hook's variables are those of its table, and PATH, HOME and LANG")
  func variables() async throws {
    try await World.with(.none) { world in
      let log = world.scratch("variables")
      try world.configure(
        "hooks: { pre: [{ shell: 'env >>\(log)', dry_run: true }], post: [{ shell: 'env >>\(log)' }] }", to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      try await world.run("run", "--dry-run")
      try await world.run("run", "--once", environment: ["OTHER": "1", "AWS_PROFILE": "p"])
      let seen = Set(world.scratch.lines("variables").map { String($0.prefix { $0 != "=" }) })
      let named = try readme.table("variable").flatMap { Readme.code(in: $0[0]) }
      // A shell sets these itself.
      #expect(seen.subtracting(["PWD", "OLDPWD", "SHLVL", "_"]) == Set(named + ["PATH", "HOME", "LANG"]))
    }
  }
}

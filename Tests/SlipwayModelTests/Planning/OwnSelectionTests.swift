import SlipwayModel
import Testing

@Suite("What a tree says of itself")
struct OwnSelectionTests {
  private func verdicts(
    _ workflow: Workflow, filter: [String] = [], exclude: [String] = [], tree: String = "t", _ paths: [String]
  ) throws -> [FileSelection.Verdict] {
    var settings = TreeSettings()
    settings.filter = filter.map(rule)
    settings.exclude = exclude.map(rule)
    let tree = TreeID(workflow: workflow.name, watch: BytePath("/srv/out"), name: BytePath(tree))
    let selection = try FileSelection(workflow, compiler: SubstringCompiler())
      .narrowed(by: settings, of: tree, compiler: SubstringCompiler())
    return try paths.map { try selection.verdict(on: BytePath($0)) }
  }

  private var reading: Workflow {
    var reading = workflow(filter: ["a"], exclude: ["x"])
    reading.readsTreeSettings = true
    return reading
  }

  @Test("A file must be taken by both, and either may leave it out; the narrower rule is told")
  func both() throws {
    let found = try verdicts(reading, filter: ["b", "c"], exclude: ["y"], ["t/ab", "t/a", "t/b", "t/abx", "t/aby"])
    #expect(
      found == [
        .taken(by: rule("b")), .skipped(.filter), .skipped(.filter), .skipped(.exclude(rule("x"))),
        .skipped(.exclude(rule("y"))),
      ])
    #expect(try verdicts(reading, exclude: ["y"], ["t/a"]) == [.taken(by: rule("a"))])
  }

  @Test("Its patterns are searched below the tree, and concern nothing beside it")
  func relative() throws {
    #expect(try verdicts(reading, filter: ["t/"], ["t/a"]) == [.skipped(.filter)])
    #expect(try verdicts(reading, filter: ["t/"], tree: ".", ["t/a"]) == [.taken(by: rule("t/"))])
    #expect(
      try verdicts(reading, filter: ["none"], ["u/a", "tt/a"]) == [.taken(by: rule("a")), .taken(by: rule("a"))])
  }

  @Test("Its file is not uploaded at any depth; where nobody reads it, it is a file like any other")
  func file() throws {
    let all = workflow()
    var reading = all
    reading.readsTreeSettings = true
    #expect(
      try verdicts(reading, ["t/.slipway.yaml", "t/d/.slipway.yaml", "t/x.slipway.yaml"])
        == [.skipped(.settings), .skipped(.settings), .taken(by: nil)])
    #expect(try verdicts(all, ["t/.slipway.yaml"]) == [.taken(by: nil)])
  }

  @Test("A pattern that no longer compiles is an error of the file, never a silent no")
  func unusable() {
    #expect(throws: Failure.self) { try verdicts(reading, filter: [""], ["t/a"]) }
    #expect(throws: Failure.self) { try verdicts(reading, exclude: ["!"], ["t/a"]) }
  }

  @Test(
    "A prefix with an empty, '.' or '..' component is refused",
    arguments: [
      ("a/b", false), ("/a/", false), ("...", false), ("{date:%Y}", false), ("", true), ("/", true), ("a//b", true),
      ("./a", true), ("a/..", true), ("..", true),
    ])
  func prefix(_ text: String, _ isRefused: Bool) {
    #expect((TreeSettings.problem(withPrefix: Array(text.utf8)) != nil) == isRefused)
  }
}

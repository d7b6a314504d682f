import SlipwayModel
import Testing

@Suite("Which file is taken")
struct FileSelectionTests {
  private func verdict(_ workflow: Workflow, _ path: String) throws -> FileSelection.Verdict {
    try FileSelection(workflow, compiler: SubstringCompiler()).verdict(on: BytePath(path))
  }

  @Test("Without a filter every file is taken")
  func everything() throws {
    #expect(try verdict(workflow(), "a/b") == .taken(by: nil))
  }

  @Test("A file is taken if any pattern matches, by the first that does")
  func anyPattern() throws {
    let selecting = workflow(filter: [".tar", ".json"])
    #expect(try verdict(selecting, "a/x.json") == .taken(by: rule(".json")))
    #expect(try verdict(selecting, "a/x.tar.json") == .taken(by: rule(".tar")))
    #expect(try verdict(selecting, "a/x.txt") == .skipped(.filter))
  }

  @Test("Patterns see the whole path relative to the watched directory")
  func wholePath() throws {
    #expect(try verdict(workflow(filter: ["a/b"]), "a/b/c") == .taken(by: rule("a/b")))
    #expect(try verdict(workflow(filter: ["srv"]), "a/b/c") == .skipped(.filter))
  }

  @Test("Exclude wins over filter")
  func exclude() throws {
    let selecting = workflow(filter: [".tar"], exclude: [".git/", "tmp"])
    #expect(try verdict(selecting, "tmp/x.tar") == .skipped(.exclude(rule("tmp"))))
    #expect(try verdict(selecting, "tmp/.git/x.tar") == .skipped(.exclude(rule(".git/"))))
  }

  @Test("A marker is never taken, at whatever depth, whatever the filter says")
  func marker() throws {
    let selecting = workflow(filter: ["ready"])
    #expect(try verdict(selecting, "a/b/.ready") == .skipped(.marker))
    #expect(try verdict(selecting, ".ready") == .skipped(.marker))
    #expect(try verdict(selecting, "a/.ready.txt") == .taken(by: rule("ready")))
  }

  @Test("Markers that end the workflow count only in the watched directory itself")
  func stopMarkers() throws {
    let selecting = workflow(
      stop: .markers(complete: BytePath(".complete"), abort: BytePath(".abort")))
    #expect(try verdict(selecting, ".complete") == .skipped(.marker))
    #expect(try verdict(selecting, ".abort") == .skipped(.marker))
    #expect(try verdict(selecting, "a/.complete") == .taken(by: nil))
  }

  @Test("A pattern beyond its limit is an error, never a silent no")
  func limit() {
    for selecting in [workflow(filter: ["!"]), workflow(exclude: ["!"])] {
      #expect(throws: Failure(.permanent, "match", "x", cause: "the pattern exceeds its limit")) {
        try verdict(selecting, "x")
      }
    }
  }

  @Test("A pattern that does not compile is told")
  func broken() {
    #expect(throws: PatternProblem(pattern: "", offset: 0, message: "empty")) {
      try verdict(workflow(exclude: ["a", ""]), "x")
    }
  }

  @Test(
    "Each reason says what decided",
    arguments: [
      (.filter, "filter", "no pattern of filter matches"),
      (.exclude(rule("a")), "exclude", "exclude 'a' (workflows.yaml:12:5)"),
      (.marker, "marker", "a marker is never uploaded"), (.link, "link", "a symbolic link"),
      (.special, "special", "not a regular file"),
    ] as [(SkipReason, String, String)])
  func explanations(reason: SkipReason, name: String, text: String) {
    #expect(reason.name.rawValue == name)
    #expect(reason.explanation == text)
  }
}

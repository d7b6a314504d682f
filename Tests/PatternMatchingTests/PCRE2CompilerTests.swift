import PatternMatching
import SlipwayModel
import Testing

@Suite("PCRE2 filters")
struct PCRE2CompilerTests {
  private func matches(_ pattern: String, _ name: String) throws -> Bool {
    try matches(pattern, Array(name.utf8))
  }

  private func matches(_ pattern: String, _ name: [UInt8]) throws -> Bool {
    try PCRE2Compiler().compile(pattern).matches(name)
  }

  @Test(
    "A pattern is Perl's and is searched anywhere in the name",
    arguments: [
      (#"\.(tar\.gz|json)$"#, "a/b.tar.gz", true), (#"\.(tar\.gz|json)$"#, "a/b.json", true),
      (#"\.(tar\.gz|json)$"#, "a/b.json.tmp", false), (#"\.(tar\.gz|json)$"#, "ajson", false),
      (#"(^|/)\.git/"#, ".git/config", true), (#"(^|/)\.git/"#, "a/.git/config", true),
      (#"(^|/)\.git/"#, "a.git/config", false), (#"^\d{4}-\d\d"#, "2026-11.log", true),
      (#"^(?!.*\.tmp$).*"#, "a.tmp", false), (#"(?i)readme"#, "docs/README", true),
      (#"(?<=a)b(?=c)"#, "xabcx", true), (#"^(\w)\1"#, "aab", true), (#"^(\w)\1"#, "abb", false),
      (#"^\Qa.b\E$"#, "a.b", true), (#"^\Qa.b\E$"#, "axb", false), ("b", "abc", true), ("x", "abc", false),
    ])
  func searches(_ pattern: String, _ name: String, _ expected: Bool) throws {
    #expect(try matches(pattern, name) == expected)
  }

  @Test("The empty pattern matches every name, the empty one too")
  func emptyPattern() throws {
    #expect(try matches("", "anything"))
    #expect(try matches("", ""))
    #expect(try !matches("a", ""))
  }

  @Test("A name is bytes: what is not UTF-8 is matched byte by byte")
  func bytes() throws {
    #expect(try matches(#"^caf\xe9\.txt$"#, [0x63, 0x61, 0x66, 0xE9, 0x2E, 0x74, 0x78, 0x74]))
    #expect(try matches(#"^.$"#, [0xFF]))
    #expect(try !matches(#"^.$"#, "é"))
    #expect(try matches("^é$", "é"))
    #expect(try !matches("^\u{E9}$", "e\u{301}"))
  }

  @Test("A NUL byte in a name ends nothing")
  func zeroByte() throws {
    #expect(try matches("b$", [0x61, 0x00, 0x62]))
  }

  @Test("A newline in a name is a byte like any other: '.' takes it, '$' does not ignore it")
  func newline() throws {
    #expect(try matches("^secret/.*$", "secret/\na"))
    #expect(try !matches(#"\.json$"#, "a.json\n"))
  }

  @Test("A pattern that explodes on a name is a permanent error that names both, never a no")
  func explosion() throws {
    let pattern = try PCRE2Compiler().compile("^(a+)+$")
    let name = [UInt8](repeating: 0x61, count: 254) + [0x0A]
    let failure = #expect(throws: Failure.self) { try pattern.matches(name) }
    #expect(failure?.kind == .permanent)
    #expect(failure?.code == "PCRE2_ERROR_MATCHLIMIT")
    #expect(
      failure?.message
        == "cannot match '^(a+)+$' with '\(String(repeating: "a", count: 254))\\n': the pattern needs more than "
        + "1000000 steps; write it so that it has fewer ways to match, for example without nested repeats")
  }

  @Test("'(a+)+$' on 255 letters a is answered with yes, on one that ends otherwise it ends")
  func endsAlways() throws {
    let pattern = try PCRE2Compiler().compile("(a+)+$")
    let letters = [UInt8](repeating: 0x61, count: 255)
    #expect(try pattern.matches(letters))
    do {
      #expect(try !pattern.matches(letters + [0x62]))
    } catch {
      #expect(error.kind == .permanent)
    }
  }

  @Test("A long path that is too much for the JIT's stack is matched by the interpreter")
  func longSubject() throws {
    let path = [UInt8](repeating: 0x61, count: 4_094) + Array("/x".utf8)
    #expect(try matches(#"^(?:(a)|(b)|(/))+x$"#, path))
  }

  @Test("A name that is too long for the interpreter's memory is an error, cut in the message")
  func heapLimit() throws {
    let pattern = try PCRE2Compiler().compile(#"^(?:(a)|(b)|(/))+x$"#)
    let failure = #expect(throws: Failure.self) {
      try pattern.matches([UInt8](repeating: 0x61, count: 100_000) + [0x78])
    }
    #expect(failure?.kind == .permanent)
    #expect(failure?.subject == "'^(?:(a)|(b)|(/))+x$' with '\(String(repeating: "a", count: 512))…'")
  }

  @Test(
    "A pattern that does not compile says where and why",
    arguments: [
      ("a(b", 3, "missing closing parenthesis"), ("*", 0, "quantifier does not follow a repeatable item"),
      ("[a", 2, "missing terminating ] for character class"), (#"a\"#, 2, #"\ at end of pattern"#),
      ("(?<n>a)(?<n>b)", 12, "two named subpatterns have the same name (PCRE2_DUPNAMES not set)"),
    ])
  func problems(_ pattern: String, _ offset: Int, _ message: String) {
    #expect(throws: PatternProblem(pattern: pattern, offset: offset, message: message)) {
      try PCRE2Compiler().compile(pattern)
    }
  }

  @Test("A pattern cannot switch UTF mode on", arguments: ["(*UTF)a", "(*UCP)a"])
  func noUTF(_ pattern: String) {
    #expect(throws: PatternProblem.self) { try PCRE2Compiler().compile(pattern) }
  }

  @Test("A pattern cannot raise the limits")
  func limitsStay() throws {
    let pattern = try PCRE2Compiler().compile("(*LIMIT_MATCH=4000000000)^(a+)+$")
    #expect(throws: Failure.self) { try pattern.matches([UInt8](repeating: 0x61, count: 254) + [0x62]) }
  }

  @Test("A pattern's length is limited")
  func patternLength() throws {
    _ = try PCRE2Compiler().compile(String(repeating: "a", count: PCRE2Limits.patternLength))
    let tooLong = String(repeating: "a", count: PCRE2Limits.patternLength + 1)
    #expect(
      throws: PatternProblem(
        pattern: tooLong, offset: 8192, message: "the pattern has 8193 bytes, at most 8192 are allowed")
    ) { try PCRE2Compiler().compile(tooLong) }
  }

  @Test("A pattern that would compile to megabytes is refused")
  func hugePattern() {
    #expect(throws: PatternProblem.self) { try PCRE2Compiler().compile("(((a{1,65535}){1,65535}){1,65535}){1,65535}") }
    #expect(throws: PatternProblem.self) {
      try PCRE2Compiler().compile(String(repeating: "(", count: 1000) + String(repeating: ")", count: 1000))
    }
  }

  @Test("Many threads ask one pattern at once, and each gets its own answer")
  func concurrentUse() async throws {
    let pattern = try PCRE2Compiler().compile(#"^(\w+/)*\w+\.(json|txt)$"#)
    await withTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          (0..<2_000).allSatisfy { round in
            let isTaken = (task + round) % 2 == 0
            let name = Array("dir\(task)/file\(round).\(isTaken ? "json" : "tmp")".utf8)
            // A failure counts as a wrong answer here.
            return (try? pattern.matches(name)) == isTaken
          }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }
}

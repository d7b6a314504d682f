import SlipwayModel
import Testing

@testable import WorkflowFile

@Suite("Environment variables in values")
struct SubstitutionTests {
  private func expanded(_ text: String) throws(SubstitutionProblem) -> String {
    try Substitution(environment: ["A": "x", "EMPTY": "", "REF": "${A}", "A_1": "y"]).expanded(text)
  }

  @Test(
    "References are replaced, any other dollar stays",
    arguments: [
      ("${A}", "x"), ("<${A}${A_1}>", "<xy>"), ("$A", "$A"), ("a$", "a$"), (#"\.json$"#, #"\.json$"#), ("$$", "$$"),
      ("$${A}", "${A}"), ("$$${A}", "$${A}"), ("${NONE:-d}", "d"), ("${NONE:-}", ""), ("${EMPTY}", ""),
      ("${EMPTY:-d}", "d"), ("${A:-d}", "x"), ("${NONE:-a:-b}", "a:-b"), ("^(a|b)${A}$", "^(a|b)x$"), ("", ""),
      ("{A}", "{A}"), ("é${A}é", "éxé"),
    ])
  func replaces(_ text: String, _ expected: String) throws {
    #expect(try expanded(text) == expected)
  }

  @Test("What was put in is not expanded again")
  func once() throws {
    #expect(try expanded("${REF}") == "${A}")
    #expect(try expanded("${NONE:-$A}") == "$A")
  }

  @Test(
    "What is no reference is an error",
    arguments: [
      ("${NONE}", "the environment variable 'NONE' is not set and has no default"),
      ("${A", "'${' without '}'; write '$${' for a literal '${'"),
      ("${}", "expected '${NAME}' or '${NAME:-default}', found '${}'; write '$${' for a literal '${'"),
      ("${1A}", "expected '${NAME}' or '${NAME:-default}', found '${1A}'; write '$${' for a literal '${'"),
      ("${A-d}", "expected '${NAME}' or '${NAME:-default}', found '${A-d}'; write '$${' for a literal '${'"),
      ("${A:?d}", "expected '${NAME}' or '${NAME:-default}', found '${A:?d}'; write '$${' for a literal '${'"),
      ("${é}", "expected '${NAME}' or '${NAME:-default}', found '${é}'; write '$${' for a literal '${'"),
    ])
  func refuses(_ text: String, _ message: String) {
    let problem = #expect(throws: SubstitutionProblem.self) { try expanded(text) }
    #expect(problem?.message == message)
  }

  @Test("A text that grows beyond its limit is refused while it grows")
  func length() {
    let substitution = Substitution(environment: ["BIG": String(repeating: "x", count: 60_000)])
    let problem = #expect(throws: SubstitutionProblem.self) {
      try substitution.expanded(String(repeating: "${BIG}", count: 100_000))
    }
    #expect(problem?.message == "the text has more than 65536 bytes")
  }

  @Test("A variable cannot bring YAML along: its newlines and colons are text")
  func noInjection() throws {
    let bundle = Bundle()
    try bundle.makeDirectory("in")
    bundle.environment["EVIL"] = "x\nhooks: {{ pre: [/bin/sh] }}"
    let result = bundle.load(workflow(rest + "\ntarget_prefix: ${EVIL}"))
    #expect(bundle.told(result) == [])
    #expect(result.configuration?.workflows.first?.hooks == Hooks())
    bundle.environment["EVIL"] = "out, other"
    #expect(
      bundle.heads(bundle.load(workflow("ready: { marker: .ready }\ndestinations: ['${EVIL}']")))
        == ["workflows.yaml:7:20: error: unknown destination 'out, other'"])
  }
}

@Suite("Durations")
struct DurationTests {
  @Test(
    "Whole numbers with units, the larger first",
    arguments: [
      ("0s", Duration.zero), ("25s", .seconds(25)), ("1h30m", .seconds(5400)), ("500ms", .milliseconds(500)),
      ("1d", .seconds(86_400)), ("1d2h3m4s5ms", .milliseconds(93_784_005)), ("090s", .seconds(90)),
    ])
  func reads(_ text: String, _ duration: Duration) {
    #expect(DurationText.parsed(text) == duration)
  }

  @Test(
    "Nothing else",
    arguments: ["", "25", "s", "1.5s", "-1s", "1S", "1 s", "1s1m", "1s1s", "1w", "1sm", "1h30", "9999999999s", "１s"])
  func refuses(_ text: String) {
    #expect(DurationText.parsed(text) == nil)
  }

  @Test(
    "Written as they are read",
    arguments: [(Duration.zero, "0s"), (.seconds(5400), "1h30m"), (.milliseconds(1), "1ms"), (.seconds(86_400), "1d")])
  func writes(_ duration: Duration, _ text: String) {
    #expect(DurationText.written(duration) == text)
  }
}

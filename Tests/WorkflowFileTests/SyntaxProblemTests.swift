import SlipwayModel
import Testing
import WorkflowFile

@Suite("Text that is no workflow file")
struct SyntaxProblemTests {
  private let bundle = Bundle()

  private func told(_ bytes: [UInt8]) -> [String] { bundle.told(bundle.load(bytes)) }

  @Test(
    "The place and the reason are told",
    arguments: [
      ("", "1:1: error: the file is empty"),
      ("# nothing\n", "1:1: error: the file is empty\n# nothing\n^"),
      ("---\n", "2:1: error: the file is empty"),
      ("null\n", "1:1: error: the file is empty\nnull\n^"),
      ("text\n", "1:1: error: expected a mapping, found text\ntext\n^"),
      ("- a\n", "1:1: error: expected a mapping, found a list\n- a\n^"),
      ("a:\n\tb: 1\n", "2:1: error: a tab may not indent; use spaces\n\tb: 1\n^"),
      (
        "a: [1\nb: 2\n",
        "2:2: error: this is not YAML: did not find expected ',' or ']' (while parsing a flow sequence that begins on line 1)\nb: 2\n ^"
      ),
      (
        "a: 'x\n",
        "2:1: error: this is not YAML: found unexpected end of stream (while scanning a quoted scalar that begins on line 1)"
      ),
      ("a: b: c\n", "1:5: error: this is not YAML: mapping values are not allowed in this context\na: b: c\n    ^"),
      ("a: 1\n---\nb: 2\n", "2:1: error: only one document may stand in a file\n---\n^"),
      (
        "a: 1\n...\nb: 2\n",
        "3:1: error: the document ends before this line; a file has only one, and its keys begin in one column\nb: 2\n^"
      ),
      ("a: &x [*x]\n", "1:8: error: the alias '*x' stands inside what it repeats\na: &x [*x]\n       ^"),
      (
        "a: &x { <<: *x }\n",
        "1:13: error: the alias '*x' stands inside what it repeats\na: &x { <<: *x }\n            ^"
      ),
      (
        "a: { b: ${X} }\n",
        "1:10: error: this is not YAML: did not find expected ',' or '}' (while parsing a flow mapping); "
          + "inside { } and [ ] a '${NAME}' must stand in quotes\na: { b: ${X} }\n         ^"
      ),
      ("a: *x\n", "1:4: error: unknown alias '*x'\na: *x\n   ^"),
    ])
  func syntax(_ text: String, _ expected: String) {
    #expect(told(Array(text.utf8)) == ["workflows.yaml:" + expected])
  }

  private static let badBytes: [(bytes: [UInt8], expected: String)] = [
    (
      bytes("a: é", [0xFF]),
      "1:5: error: the file is not UTF-8: invalid leading UTF-8 octet\na: é\u{FFFD}\n    ^"
    ),
    (
      bytes("a: 1\nb: x", [0xC3]),
      "2:5: error: the file is not UTF-8: incomplete UTF-8 octet sequence\nb: x\u{FFFD}\n    ^"
    ),
    (
      bytes("a: ", [0xED, 0xA0, 0x80]),
      "1:4: error: the file is not UTF-8: invalid Unicode character\na: \u{FFFD}\u{FFFD}\u{FFFD}\n   ^"
    ),
    (bytes("a: 1\nb: ", [0x00]), "2:4: error: a control character is not allowed in YAML\nb: \\x00\n   ^"),
    (
      bytes("\u{FEFF}a: x", [0x1B, 0x5B]),
      "1:5: error: a control character is not allowed in YAML\na: x\\x1b[\n    ^"
    ),
    (
      [0xFF, 0xFE, 0x61, 0x00],
      "1:1: error: the file is not UTF-8: invalid leading UTF-8 octet\n\u{FFFD}\u{FFFD}a\\x00\n^"
    ),
  ]

  private static func bytes(_ text: String, _ more: [UInt8]) -> [UInt8] { Array(text.utf8) + more }

  @Test("Bytes that are not UTF-8, NUL and other control characters are told with their place", arguments: badBytes)
  func bytes(_ bytes: [UInt8], _ expected: String) {
    #expect(told(bytes) == ["workflows.yaml:" + expected])
  }

  @Test("An alias bomb ends at the limit of expansions, at the alias that is too much")
  func aliasBomb() {
    var text = "a0: &a0 [x]\n"
    for level in 1...30 {
      text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
    }
    #expect(bundle.heads(bundle.load(text)) == ["workflows.yaml:5:10: error: aliases expand more than 1000 times"])
  }

  @Test("A merge bomb ends, too")
  func mergeBomb() {
    var text = "a0: &a0 { k: x }\n"
    for level in 1...30 {
      text +=
        "a\(level): &a\(level) { <<: [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))] }\n"
    }
    #expect(bundle.heads(bundle.load(text)) == ["workflows.yaml:5:16: error: aliases expand more than 1000 times"])
  }

  @Test("Exactly 1,000 expansions are read")
  func thousandAliases() {
    let text = "a: &a 1\nb: [\(Array(repeating: "*a", count: 1_000).joined(separator: ", "))]\n"
    #expect(!bundle.heads(bundle.load(text)).contains { $0.contains("expand") })
    #expect(
      bundle.heads(bundle.load(text + "c: *a\n")) == ["workflows.yaml:3:4: error: aliases expand more than 1000 times"])
  }

  @Test("A few aliases to a very long list end at the limit of values")
  func longAliases() {
    let text = "a: &a [\(Array(repeating: "1", count: 40_000).joined(separator: ","))]\nb: [*a, *a]\n"
    #expect(
      bundle.heads(bundle.load(text)) == ["workflows.yaml:2:9: error: the file has more than 100000 keys and values"])
  }

  @Test("Deep nesting is refused, in flow and block form and through aliases")
  func depth() {
    let message = "error: lists and mappings nest deeper than 32 levels"
    let flow = "a: " + String(repeating: "[", count: 500_000)
    #expect(bundle.heads(bundle.load(flow)) == ["workflows.yaml:1:35: \(message)"])
    let block = String(repeating: "- ", count: 100_000) + "a"
    #expect(bundle.heads(bundle.load(block)) == ["workflows.yaml:1:65: \(message)"])
    var chain = "a0: &a0 [x]\n"
    for level in 1...40 { chain += "a\(level): &a\(level) [*a\(level - 1)]\n" }
    #expect(bundle.heads(bundle.load(chain)) == ["workflows.yaml:32:12: \(message)"])
  }

  @Test("Many anchors, keys or one long text of nearly 1 MiB are read in bounded time")
  func large() {
    let anchors = (0..<40_000).map { "- &a\($0) x" }.joined(separator: "\n")
    #expect(bundle.heads(bundle.load(anchors)) == ["workflows.yaml:1:1: error: expected a mapping, found a list"])
    let keys = "version: 1\nworkflows: {}\n" + (0..<30_000).map { "k\($0): 1" }.joined(separator: "\n")
    let result = bundle.load(keys)
    #expect(result.problems.count == 1_001)
    #expect(result.problems.last?.message == "more than 1000 problems; the rest is not told")
    let long = "version: '\(String(repeating: "x", count: 1_000_000))'"
    #expect(
      bundle.heads(bundle.load(long)) == [
        "workflows.yaml:1:1: error: missing key 'workflows'",
        "workflows.yaml:1:10: error: the text has more than 65536 bytes",
      ])
  }

  @Test("A file of one line of nearly 1 MiB with a thousand problems and secrets is told in bounded time")
  func oneLine() {
    let keys = (0..<10_000).map { "k\($0): 1, token\($0): 'secret number \($0)'" }.joined(separator: ", ")
    let result = bundle.load(
      "{ version: 1, workflows: {}, \(keys), credentials: { a: \(String(repeating: "x", count: 400_000)) } }")
    #expect(result.problems.count == 1_001)
    #expect(!bundle.told(result).contains { $0.contains("secret number") })
  }

  @Test("10 MB are refused without being parsed")
  func tenMegabytes() throws {
    let text = [UInt8](repeating: UInt8(ascii: "#"), count: 10_000_000)
    let message = "1:1: error: the file has more than 1048576 bytes"
    #expect(bundle.heads(bundle.load(text)) == ["workflows.yaml:\(message)"])
    try bundle.write("big.yaml", text)
    #expect(bundle.told(bundle.loader.load([BytePath("big.yaml")])) == ["big.yaml:\(message)"])
  }
}

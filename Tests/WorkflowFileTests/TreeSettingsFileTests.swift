import SlipwayModel
import Testing
import WorkflowFile

@Suite("A tree's own settings")
struct TreeSettingsFileTests {
  private func read(_ text: String) throws(Failure) -> TreeSettings {
    try TreeSettingsFile(patterns: CountedParentheses()).read(Array(text.utf8), as: BytePath("/srv/t/.slipway.yaml"))
  }

  private func problem(_ text: String) -> String? {
    do throws(Failure) {
      _ = try read(text)
      return nil
    } catch {
      #expect(error.kind == .permanent && error.message.hasPrefix("cannot use /srv/t/.slipway.yaml: "))
      return error.cause
    }
  }

  @Test("Every key arrives, by the letter: no environment, no templates")
  func everyKey() throws {
    let settings = try read(
      """
      filter: '${HOME}$'
      exclude: [tmp, '\\.git/']
      target_prefix: '/{date:%Y}/${HOME}/'
      tags: { team: ci, "größe": 17 }
      metadata: { Origin: here }
      """)
    #expect(settings.filter.map(\.pattern) == ["${HOME}$"])
    #expect(settings.filter.first?.location.description == "/srv/t/.slipway.yaml:1:9")
    #expect(settings.exclude.map(\.pattern) == ["tmp", "\\.git/"])
    #expect(settings.targetPrefix == Array("{date:%Y}/${HOME}".utf8))
    #expect(settings.tags == ["team": "ci", "größe": "17"])
    #expect(settings.metadata == ["origin": "here"])
  }

  @Test("A file of blanks and comments says nothing", arguments: ["", "\n \t\r\n", "# later\n\n  # more\n", "{}"])
  func empty(_ text: String) throws {
    #expect(try read(text) == TreeSettings())
  }

  @Test(
    "It can name no hook, destination or credential, nor anything else",
    arguments: [
      ("hooks", "filter, exclude, target_prefix, tags and metadata"), ("destinations", ""), ("credentials", ""),
      ("after", ""), ("watch", ""), ("tree_settings", ""), ("version", ""),
    ])
  func unknown(_ key: String, _ known: String) {
    #expect(
      problem("tags: {}\n\(key): x")?.hasPrefix("line 2, column 1: unknown key '\(key)'; there are \(known)") == true)
  }

  @Test(
    "What is wrong is told with line and column, the first three and how many more",
    arguments: [
      ("- x", "line 1, column 1: expected a mapping, found a list"),
      ("filter: '('", "line 1, column 9: bad regular expression at offset 1: missing closing parenthesis"),
      ("target_prefix: a/../b", "line 1, column 16: target_prefix 'a/../b' has an empty, '.' or '..' component"),
      ("target_prefix: ''", "line 1, column 16: target_prefix '' has an empty, '.' or '..' component"),
      ("tags: { 'aws:x': 1 }", "line 1, column 9: the name of a tag does not begin with 'aws:': 'aws:x'"),
      ("metadata: { slipway-token: x }", "line 1, column 13: this name of metadata is Slipway's own: 'slipway-token'"),
      (
        "a: 1\nb: 1\nc: 1\nd: 1\ne: 1",
        "line 1, column 1: unknown key 'a'; there are filter, exclude, target_prefix, tags and metadata; "
          + "line 2, column 1: unknown key 'b'; there are filter, exclude, target_prefix, tags and metadata; "
          + "line 3, column 1: unknown key 'c'; there are filter, exclude, target_prefix, tags and metadata; and 2 more"
      ),
    ])
  func wrong(_ text: String, _ told: String) {
    #expect(problem(text) == told)
  }

  @Test("Its size, its patterns and its aliases are bounded")
  func bounds() {
    let long = "filter: '" + String(repeating: "a", count: 64 * 1024) + "'"
    #expect(problem(long) == "line 1, column 1: the file has more than 65536 bytes")
    let patterns = (0...100).map { "  - a\($0)\n" }.joined()
    #expect(problem("exclude:\n\(patterns)") == "line 1, column 1: a tree has at most 100 patterns")
    let tags = (0...10).map { "  k\($0): v\n" }.joined()
    #expect(problem("tags:\n\(tags)") == "line 2, column 3: an object has at most 10 tags, found 11")
    var bomb = "a0: &a0 [x, x]\n"
    for level in 1...30 { bomb += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    #expect(problem(bomb)?.contains("aliases expand more than 1000 times") == true)
  }
}

import SlipwayModel
import Testing

@testable import WorkflowFile

@Suite("How a problem reads")
struct RenderingTests {
  private let bundle = Bundle()

  private func told(_ line: String) throws -> [String] {
    try bundle.makeDirectory("in")
    return bundle.told(bundle.load(workflow(rest + "\n" + line)))
  }

  @Test("Place, severity and message, then the line, then a caret under the column")
  func plain() throws {
    let lines = try told("hooks: { pree: [] } # comment")
    #expect(
      lines == [
        """
        workflows.yaml:8:14: error: unknown key 'pree'; did you mean 'pre'?
            hooks: { pree: [] } # comment
                     ^
        """
      ])
  }

  @Test("A tab before the column stays a tab below")
  func tab() throws {
    let lines = try told("hooks:\t{ pree:\t[] }")
    #expect(
      lines == [
        "workflows.yaml:8:14: error: unknown key 'pree'; did you mean 'pre'?\n    hooks:\t{ pree:\t[] }\n          \t  ^"
      ])
  }

  @Test("What steers a terminal is escaped, and the caret moves along")
  func hostile() throws {
    let lines = try told("hooks: { \"\u{202E}\": 1, \"\u{200B}\": 2 }")
    #expect(
      lines == [
        "workflows.yaml:8:14: error: unknown key '\\u{202e}'; there are pre and post\n"
          + "    hooks: { \"\\u{202e}\": 1, \"\\u{200b}\": 2 }\n             ^",
        "workflows.yaml:8:22: error: unknown key '\\u{200b}'; there are pre and post\n"
          + "    hooks: { \"\\u{202e}\": 1, \"\\u{200b}\": 2 }\n                            ^",
      ])
  }

  @Test("Wide and combining characters before the column keep the caret in its place")
  func width() throws {
    let lines = try told("hooks: { 日本e\u{301}: 1, x: 2 }").last
    #expect(
      lines
        == "workflows.yaml:8:23: error: unknown key 'x'; there are pre and post\n    hooks: { 日本e\u{301}: 1, x: 2 }\n                       ^"
    )
  }

  @Test("A backslash of a regular expression is shown as it stands")
  func backslash() throws {
    #expect(
      try told(#"filter: ['\.a$', '\.(']"#) == [
        "workflows.yaml:8:22: error: bad regular expression at offset 3: missing closing parenthesis\n"
          + #"    filter: ['\.a$', '\.(']"# + "\n                     ^"
      ])
  }

  @Test("A long line is cut around the column")
  func longLine() {
    let scalars = Array((String(repeating: "a", count: 300) + "X" + String(repeating: "b", count: 300)).unicodeScalars)
    let middle = SourceExcerpt(scalars, column: 301)
    #expect(middle.line == "…" + String(repeating: "a", count: 80) + "X" + String(repeating: "b", count: 79) + "…")
    #expect(middle.indentation == String(repeating: " ", count: 81))
    let start = SourceExcerpt(scalars, column: 1)
    #expect(start.line == String(repeating: "a", count: 160) + "…")
    #expect(start.indentation == "")
    let end = SourceExcerpt(scalars, column: 602)
    #expect(end.line == "…" + String(repeating: "b", count: 160))
    #expect(end.indentation == String(repeating: " ", count: 161))
  }

  @Test("A key of any length is cut in a message")
  func longKey() throws {
    let heads = try told("? \(String(repeating: "k", count: 5_000))\n: 1").map { $0.prefix { $0 != "\n" } }
    #expect(
      heads.first?.hasPrefix(
        "workflows.yaml:8:7: error: unknown key '\(String(repeating: "k", count: 80))…'; there are") == true)
  }

  @Test("A line break of any kind counts as libyaml counts it")
  func lineBreaks() {
    #expect(
      bundle.heads(bundle.load("a: 1\r\nb: 1\rc: 1\u{85}d: 1\u{2028}e: 1\u{2029}f: [\n")).first
        == "workflows.yaml:7:1: error: this is not YAML: did not find expected node content (while parsing a flow node)"
    )
    #expect(
      bundle.told(bundle.load("version: 1\r\nworkflows: {}\r\nx: 1\u{2028}y: 1")).last
        == "workflows.yaml:4:1: error: unknown key 'y'; there are version, settings, destinations and workflows\ny: 1\n^"
    )
  }

  @Test("A hostile file name is escaped")
  func fileName() {
    let result = bundle.loader.load(text: Array("a".utf8), as: BytePath("a\nb\u{1B}.yaml"))
    #expect(bundle.heads(result) == ["a\\nb\\x1b.yaml:1:1: error: expected a mapping, found text"])
  }

  @Test("What an alias repeats is told once")
  func once() throws {
    #expect(
      try told("retry: &r { attempts: 0 }\nhooks: { post: [&h { run: true, env: { '1': a } }, *h, *h] }").map {
        $0.prefix { $0 != "\n" }
      } == [
        "workflows.yaml:8:27: error: expected a whole number from 1 to 1000, found '0'",
        "workflows.yaml:9:44: error: the name of an environment variable has only letters, digits and '_', found '1'",
      ])
  }
}

@Suite("Secrets in a workflow file")
struct SecretTests {
  private let bundle = Bundle()

  private func told(_ credentials: String, _ key: String = "credentials") throws -> String {
    try bundle.makeDirectory("in")
    bundle.environment["KEY"] = "hunter2 hunter2"
    let text = """
      version: 1
      destinations:
        out:
          type: s3
          bucket: abc
          \(key): \(credentials)
      workflows:
        w: { watch: in, ready: { marker: .ready }, destinations: [out] }
      """
    return bundle.told(bundle.load(text)).joined(separator: "\n")
  }

  @Test("A line is quoted with its secrets masked, in one line or several, misspelt or not")
  func masked() throws {
    let lines = try told("{ access_key_id: AKIAHUNTER2, secret_access_kye: 'hunter2 x', sesion: hunter2 }")
    let shown = "    credentials: { access_key_id: ***********, secret_access_kye: ******** **, sesion: ******* }"
    #expect(
      lines
        == [
          "workflows.yaml:6:5: error: missing key 'secret_access_key'", shown, "    ^",
          "workflows.yaml:6:48: error: unknown key 'secret_access_kye'; did you mean 'secret_access_key'?", shown,
          String(repeating: " ", count: 47) + "^",
          "workflows.yaml:6:80: error: unknown key 'sesion'; there are access_key_id, secret_access_key, session_token and profile",
          shown, String(repeating: " ", count: 79) + "^",
        ].joined(separator: "\n"))
  }

  @Test(
    "No problem shows a secret, whatever is wrong with it",
    arguments: [
      "{ access_key_id: '${KEY}', secret_access_key: '${KEY}', session_token: '${KEY}' }",
      "{ access_key_id: hunter2, secret_access_key: hunter2 é, session_token: [hunter2] }",
      "{ access_key_id: \"hunter2\\n\", secret_access_key: !hunter hunter2, session_token: { a: hunter2 } }",
      "hunter2", "[hunter2, { a: hunter2 }]",
      "{ access_key_id: &a hunter2, session_token: *a, secret_access_key: *a, x: 1 }",
      "{ access_key_id: a, secret_access_key: \"hunter2\n        hunter2\n        hunter2 \" }",
      "{ access_key_id: hunter2, access_key_id: hunter2 }", "{ secret_access_key: 'hunter2",
      "{ Secret: hunter2, access_key_id: [ }",
      "{ password: hunter2: hunter2 }",
    ])
  func never(_ credentials: String) throws {
    let text = try told(credentials)
    #expect(text.contains("error: "))
    #expect(!text.contains("hunter2"), "\(text)")
  }

  @Test("A secret under a hook's environment is masked, too")
  func hookEnvironment() throws {
    try bundle.makeDirectory("in")
    let result = bundle.load(
      workflow(rest + "\nhooks: { post: [{ run: true, env: { AWS_SECRET_ACCESS_KEY: hunter2 } }] }"))
    #expect(
      bundle.told(result) == [
        """
        workflows.yaml:8:41: error: credentials are given neither to hooks nor to plugins; 'AWS_SECRET_ACCESS_KEY' cannot be named
            hooks: { post: [{ run: true, env: { AWS_SECRET_ACCESS_KEY: ******* } }] }
                                                ^
        """
      ])
  }

  @Test("The words for a credential that cannot be sent in a header")
  func words() throws {
    let lines = try told("{ access_key_id: a, secret_access_key: '${KEY}' }")
    #expect(
      lines
        == [
          "workflows.yaml:6:57: error: a credential has only printable ASCII characters and no blanks",
          "    credentials: { access_key_id: *, secret_access_key: ******** }", String(repeating: " ", count: 56) + "^",
        ].joined(separator: "\n"))
  }
}

import Testing
import WorkflowFile

/// Lines of a workflow from line 6 on, and the heads of all that is told.
typealias Case = (lines: String, heads: [String])

@Suite("Problems with the keys of a workflow")
struct KeyProblemTests {
  private let bundle = Bundle()

  private func check(_ lines: String, _ heads: [String]) throws {
    try bundle.makeDirectory("in")
    #expect(bundle.heads(bundle.load(workflow(lines))) == heads.map { "workflows.yaml:\($0)" })
  }

  @Test(
    "Keys that are unknown, twice or missing",
    arguments: [
      (
        rest + "\nfiltr: x\npipe: { working: a }\nxyz: 1",
        [
          "8:5: error: unknown key 'filtr'; did you mean 'filter'?",
          "9:5: error: unknown key 'pipe'; there are watch, ready, queue, mirror, filter, exclude, source_prefix, "
            + "target_prefix, destinations, hooks, after, retry, commit, symlinks, stop, started, sidecar, tree_settings, "
            + "dry_run and tests",
          "10:5: error: unknown key 'xyz'; there are watch, ready, queue, mirror, filter, exclude, source_prefix, "
            + "target_prefix, destinations, hooks, after, retry, commit, symlinks, stop, started, sidecar, tree_settings, "
            + "dry_run and tests",
        ]
      ),
      (rest + "\nready: { marker: x }", ["8:5: error: duplicate key 'ready'; the first one is on line 6"]),
      (
        "filter: x",
        ["4:3: error: missing key 'ready', 'queue' or 'mirror'", "4:3: error: missing key 'destinations'"]
      ),
      (rest + "\n[a, b]: c", ["8:5: error: a key must be text, found a list"]),
      (rest + "\n<<: *none", ["8:9: error: unknown alias '*none'"]),
      (rest + "\n<<: text", ["8:9: error: '<<' takes a mapping or a list of them, found text"]),
      (rest + "\n<<: [[]]", ["8:10: error: '<<' takes a mapping or a list of them, found a list in the list"]),
      (
        rest + "\nfilter: !!str x\nexclude: !mine x",
        [
          "8:13: error: the tag 'tag:yaml.org,2002:str' is not read here; remove it",
          "9:14: error: the tag '!mine' is not read here; remove it",
        ]
      ),
    ] as [Case])
  func keys(_ lines: String, _ heads: [String]) throws { try check(lines, heads) }

  @Test(
    "Values of the wrong kind",
    arguments: [
      (
        "ready: close\ndestinations: out",
        [
          "6:12: error: expected 'closed', { marker: NAME } or { settled: TIME }, found 'close'",
          "7:19: error: expected a list, found text",
        ]
      ),
      (
        "ready:\ndestinations: ~",
        [
          "6:11: error: expected 'closed', { marker: NAME } or { settled: TIME }, found nothing",
          "7:19: error: expected a list, found nothing",
        ]
      ),
      (
        "ready: {}\ndestinations: []",
        [
          "6:5: error: missing key 'marker' or 'settled'",
          "7:19: error: expected at least one destination, found an empty list",
        ]
      ),
      (
        "ready: { marker: [a] }\ndestinations: [{ a: b }]",
        [
          "6:22: error: expected the name of a file, found a list",
          "7:20: error: expected the name of a destination, found a mapping",
        ]
      ),
      (
        rest + "\nfilter: { a: b }\nexclude: [null]",
        [
          "8:13: error: expected text or a list, found a mapping",
          "9:15: error: expected a regular expression, found nothing",
        ]
      ),
      (
        rest + "\nfilter: ''\ntarget_prefix: {}\nsource_prefix: []",
        [
          "8:13: error: expected a regular expression, found empty text", "9:20: error: expected text, found a mapping",
          "10:20: error: expected a path, found a list",
        ]
      ),
      (
        rest + "\nhooks: x\nafter: [x]\nretry: 3\nstop: x\ntests: x\ncommit: yes",
        [
          "8:12: error: expected a mapping, found text",
          "9:12: error: expected keep, delete or { move: DIR }, found a list",
          "10:12: error: expected a mapping, found text", "11:11: error: expected a mapping, found text",
          "12:12: error: expected a list, found text", "13:13: error: expected none or manifest, found 'yes'",
        ]
      ),
      (rest + "\nfilter: \"a\\0b\"", ["8:13: error: a NUL byte is not allowed in text"]),
    ] as [Case])
  func kinds(_ lines: String, _ heads: [String]) throws { try check(lines, heads) }

  @Test(
    "Markers and stops",
    arguments: [
      (
        "ready: { marker: a/b }\ndestinations: [out]",
        ["6:22: error: a marker is the name of a file, without a directory, found 'a/b'"]
      ),
      (
        "ready: { marker: .. }\ndestinations: [out]",
        ["6:22: error: a marker is the name of a file, without a directory, found '..'"]
      ),
      (
        "ready: { marker: \(String(repeating: "a", count: 256)) }\ndestinations: [out]",
        ["6:22: error: a file name has at most 255 bytes, this one has 256"]
      ),
      (
        "ready: { settled: 0s }\ndestinations: [out]",
        ["6:23: error: expected a duration from 10ms to 1d, found '0s'"]
      ),
      (
        "ready: { settled: 5s, marker: m }\ndestinations: [out]",
        ["6:14: error: 'settled' cannot stand beside 'marker'"]
      ),
      (
        "ready: { settle: 5s }\ndestinations: [out]",
        [
          "6:5: error: missing key 'marker' or 'settled'", "6:14: error: unknown key 'settle'; did you mean 'settled'?",
        ]
      ),
      (rest + "\nstop: {}", ["8:11: error: missing key 'marker', 'abort' or 'count'"]),
      (rest + "\nstop: { count: 1, abort: a }", ["8:13: error: 'count' cannot stand beside 'marker' and 'abort'"]),
      (rest + "\nstop: { count: 0 }", ["8:20: error: expected a whole number from 1 to 1000000000, found '0'"]),
      (
        rest + "\nstop: { marker: ./a, abort: . }",
        [
          "8:21: error: a marker is the name of a file, without a directory, found './a'",
          "8:33: error: a marker is the name of a file, without a directory, found '.'",
        ]
      ),
      (rest + "\nstop: { marker: a, abort: a }", ["8:24: error: 'marker' and 'abort' are the same file"]),
      (rest + "\nstop: { marker: .ready }", ["8:21: error: '.ready' is the marker of 'ready' already"]),
    ] as [Case])
  func markers(_ lines: String, _ heads: [String]) throws { try check(lines, heads) }

  @Test(
    "Filters, templates and paths",
    arguments: [
      (
        rest + "\nfilter: ['a', '(b']", ["8:19: error: bad regular expression at offset 2: missing closing parenthesis"]
      ),
      (
        rest + "\ntarget_prefix: 'a{b}'",
        [
          "8:20: error: bad template at offset 1: unknown field '{b}'; there are {workflow}, {tree}, {run}, {date:FORMAT}, {env.NAME} and {host}"
        ]
      ),
      (
        rest + "\ntarget_prefix: 'a{'",
        ["8:20: error: bad template at offset 1: '{' without '}'; write '{{' for a literal brace"]
      ),
      (
        rest + "\ntarget_prefix: '{date:%Q}'",
        ["8:20: error: bad template at offset 0: unknown date format '%Q'; there are %Y %y %m %d %H %M %S %j and %%"]
      ),
      (
        rest + "\ntarget_prefix: '{env.NONE}'",
        ["8:20: error: the environment variable 'NONE' of {env.NONE} is not set"]
      ),
      (rest + "\ntarget_prefix: 'a//{run}'", ["8:20: error: the key contains an empty component ('//')"]),
      (rest + "\ntarget_prefix: '{run}/../x'", ["8:20: error: the key contains a '..' component"]),
      (
        rest + "\nstarted: \(String(repeating: "a/", count: 3_000))",
        ["8:14: error: a path has at most 4095 bytes, this one has 6024"]
      ),
      (
        rest + "\nsource_prefix: ~/x\nstarted: '~'",
        [
          "8:20: error: '~' is not expanded in a path; write ${HOME}",
          "9:14: error: '~' is not expanded in a path; write ${HOME}",
        ]
      ),
      (
        rest + "\nsource_prefix: ${NONE}/x",
        ["8:20: error: the environment variable 'NONE' is not set and has no default"]
      ),
      (rest + "\nsource_prefix: ${NONE:-}", ["8:20: error: expected a path, found empty text"]),
    ] as [Case])
  func texts(_ lines: String, _ heads: [String]) throws { try check(lines, heads) }
}

import Testing
import WorkflowFile

/// Lines of a workflow from line 6 on, and the heads of all that is told.
private typealias Case = (lines: String, heads: [String])

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
        rest + "\nfiltr: x\nqueue: { working: a }\nxyz: 1",
        [
          "8:5: error: unknown key 'filtr'; did you mean 'filter'?",
          "9:5: error: unknown key 'queue'; there are watch, ready, filter, exclude, source_prefix, target_prefix, "
            + "destinations, hooks, after, retry, stop, started and tests",
          "10:5: error: unknown key 'xyz'; there are watch, ready, filter, exclude, source_prefix, target_prefix, "
            + "destinations, hooks, after, retry, stop, started and tests",
        ]
      ),
      (rest + "\nready: { marker: x }", ["8:5: error: duplicate key 'ready'; the first one is on line 6"]),
      ("filter: x", ["4:3: error: missing key 'ready'", "4:3: error: missing key 'destinations'"]),
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
        "ready: closed\ndestinations: out",
        ["6:12: error: expected a mapping, found text", "7:19: error: expected a list, found text"]
      ),
      (
        "ready:\ndestinations: ~",
        ["6:11: error: expected a mapping, found nothing", "7:19: error: expected a list, found nothing"]
      ),
      (
        "ready: {}\ndestinations: []",
        ["6:5: error: missing key 'marker'", "7:19: error: expected at least one destination, found an empty list"]
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
        rest + "\nhooks: x\nafter: [x]\nretry: 3\nstop: x\ntests: x",
        [
          "8:12: error: expected a mapping, found text",
          "9:12: error: expected keep, delete or { move: DIR }, found a list",
          "10:12: error: expected a mapping, found text", "11:11: error: expected a mapping, found text",
          "12:12: error: expected a list, found text",
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
        "ready: { settled: 5s }\ndestinations: [out]",
        ["6:5: error: missing key 'marker'", "6:14: error: unknown key 'settled'; there is marker"]
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

  @Test(
    "Hooks",
    arguments: [
      (
        rest + "\nhooks: { before: [] , post: x }",
        ["8:14: error: unknown key 'before'; there are pre and post", "8:33: error: expected a list, found text"]
      ),
      (
        rest + "\nhooks: { pre: [{ when: always, run: true }] }",
        ["8:22: error: 'when' is for post hooks; a pre hook always runs"]
      ),
      (
        rest + "\nhooks: { post: [{ when: never, run: true }] }",
        ["8:29: error: expected success, failure or always, found 'never'"]
      ),
      (rest + "\nhooks: { post: [{ timeout: 1s }] }", ["8:21: error: missing key 'run' or 'shell'"]),
      (rest + "\nhooks: { post: [{ run: true, shell: x }] }", ["8:34: error: 'shell' cannot stand beside 'run'"]),
      (
        rest + "\nhooks: { post: [{ shell: '' }, { shell: [a] }] }",
        [
          "8:30: error: expected text for sh -c, found empty text",
          "8:45: error: expected text for sh -c, found a list",
        ]
      ),
      (
        rest + "\nhooks: { post: [[], { run: {} }, null, [true, [x]]] }",
        [
          "8:21: error: expected a program and its arguments, found an empty list",
          "8:32: error: expected text or a list, found a mapping",
          "8:38: error: expected a program, found nothing", "8:51: error: expected text, found a list",
        ]
      ),
      (
        rest + "\nhooks: { post: [{ run: true, timeout: 30 }, { run: true, timeout: 0s }] }",
        [
          "8:43: error: expected a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m, found '30'",
          "8:71: error: expected a duration from 1ms to 7d, found '0s'",
        ]
      ),
      (rest + "\nhooks: { post: [{ run: true, dry_run: yes }] }", ["8:43: error: expected true or false, found 'yes'"]),
      (
        rest + "\nhooks: { post: [{ run: true, env: { SLIPWAY_X: 1, A-B: 1, AWS_SESSION_TOKEN: 1, C: [] } }] }",
        [
          "8:41: error: 'SLIPWAY_X' is set by Slipway itself",
          "8:55: error: the name of an environment variable has only letters, digits and '_', found 'A-B'",
          "8:63: error: credentials are not given to hooks; 'AWS_SESSION_TOKEN' cannot be named",
          "8:88: error: expected text, found a list",
        ]
      ),
      (
        rest
          + "\nhooks: { post: [{ run: true, pass_env: [AWS_PROFILE, AWS_SECRET_ACCESS_KEY, AWS_ACCESS_KEY_ID, ''] }] }",
        [
          "8:58: error: credentials are not given to hooks; 'AWS_SECRET_ACCESS_KEY' cannot be named",
          "8:81: error: credentials are not given to hooks; 'AWS_ACCESS_KEY_ID' cannot be named",
          "8:100: error: expected the name of an environment variable, found empty text",
        ]
      ),
    ] as [Case])
  func hooks(_ lines: String, _ heads: [String]) throws { try check(lines, heads) }

  @Test(
    "What comes after a run",
    arguments: [
      (rest + "\nafter: remove", ["8:12: error: expected keep, delete or { move: DIR }, found 'remove'"]),
      (
        rest + "\nafter: { success: { mov: x } }",
        ["8:23: error: missing key 'move'", "8:25: error: unknown key 'mov'; did you mean 'move'?"]
      ),
      (
        rest + "\nafter: { move: x, failure: keep }",
        ["8:14: error: 'move' cannot stand beside 'success' and 'failure'; write it under one of them"]
      ),
      (rest + "\nafter: {}", ["8:12: error: missing key 'success' or 'failure'"]),
      (
        rest + "\nretry: { attempts: 0, backoff: 5m..1s, defer: 1 }",
        [
          "8:24: error: expected a whole number from 1 to 1000, found '0'",
          "8:36: error: the range '5m..1s' ends before it begins",
          "8:51: error: expected a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m, found '1'",
        ]
      ),
      (rest + "\nretry: { backoff: 5m }", ["8:23: error: expected a range of durations, as in 1s..5m, found '5m'"]),
      (
        rest + "\nretry: { attempts: 1e3, backoff: 1s..8d }",
        [
          "8:24: error: expected a whole number from 1 to 1000, found '1e3'",
          "8:38: error: expected a duration from 1ms to 7d, found '8d'",
        ]
      ),
      (
        rest + "\nretry: { attempts: 08, backoff: 1s.. }",
        [
          "8:24: error: expected a whole number from 1 to 1000, found '08'",
          "8:37: error: expected a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m, found ''",
        ]
      ),
      (
        rest
          + "\ntests:\n- { key: a }\n- { path: a }\n- { path: a, key: b, skip: link }\n- { path: /a, key: b }\n- { path: ../a, skip: never }",
        [
          "9:7: error: missing key 'path'", "10:7: error: missing key 'key' or 'skip'",
          "11:26: error: 'skip' cannot stand beside 'key'",
          "12:15: error: expected a path below the watched directory, found '/a'",
          "13:15: error: expected a path below the watched directory, found '../a'",
          "13:27: error: expected filter, exclude, marker, link or special, found 'never'",
        ]
      ),
    ] as [Case])
  func endings(_ lines: String, _ heads: [String]) throws { try check(lines, heads) }
}

@Suite("Problems with settings, destinations and names")
struct TopProblemTests {
  private let bundle = Bundle()

  private func check(_ text: String, _ heads: [String]) throws {
    try bundle.makeDirectory("in")
    #expect(bundle.heads(bundle.load(text)) == heads.map { "workflows.yaml:\($0)" })
  }

  private func destination(_ lines: String) -> String {
    workflow(rest).replacing("{ type: directory, path: delivered }", with: lines)
  }

  @Test(
    "The top of the file",
    arguments: [
      (
        "a: 1",
        [
          "1:1: error: unknown key 'a'; there are version, settings, destinations and workflows",
          "1:1: error: missing key 'version'", "1:1: error: missing key 'workflows'",
        ]
      ),
      (
        "version: 2\nworkflows: {}",
        [
          "1:10: error: this Slipway reads version 1, found '2'",
          "2:12: error: expected at least one workflow, found an empty mapping",
        ]
      ),
      (
        "version: 1.0\nworkflow: {}",
        [
          "1:1: error: missing key 'workflows'", "1:10: error: this Slipway reads version 1, found '1.0'",
          "2:1: error: unknown key 'workflow'; did you mean 'workflows'?",
        ]
      ),
      (
        "version: 1\nworkflows: [a]\ndestinations:\nsettings: 3",
        [
          "2:12: error: expected a mapping, found a list", "3:14: error: expected a mapping, found nothing",
          "4:11: error: expected a mapping, found text",
        ]
      ),
      (
        "version: 1\nworkflows: { w: , v: text }",
        ["2:17: error: expected a mapping, found nothing", "2:22: error: expected a mapping, found text"]
      ),
    ] as [Case])
  func top(_ text: String, _ heads: [String]) throws { try check(text, heads) }

  @Test(
    "Settings",
    arguments: [
      (
        "transfers: 0, trees: 1025",
        [
          "8:24: error: expected a whole number from 1 to 1024, found '0'",
          "8:34: error: expected a whole number from 1 to 1024, found '1025'",
        ]
      ),
      (
        "transfers: -1, trees: 0x10",
        [
          "8:24: error: expected a whole number from 1 to 1024, found '-1'",
          "8:35: error: expected a whole number from 1 to 1024, found '0x10'",
        ]
      ),
      (
        "drain: 25, grace: 2h",
        [
          "8:20: error: expected a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m, found '25'",
          "8:31: error: expected a duration from 0s to 1h, found '2h'",
        ]
      ),
      (
        "state_dir: [], listen: x, tranfers: 3",
        [
          "8:24: error: expected a path, found a list",
          "8:28: error: unknown key 'listen'; there are state_dir, transfers, trees, drain and grace",
          "8:39: error: unknown key 'tranfers'; did you mean 'transfers'?",
        ]
      ),
    ] as [Case])
  func settings(_ text: String, _ heads: [String]) throws {
    try check(workflow(rest) + "\nsettings: { \(text) }", heads)
  }

  @Test(
    "Destinations",
    arguments: [
      ("{ path: x }", ["2:17: error: missing key 'type'"]),
      ("{ type: ftp }", ["2:30: error: expected s3 or directory, found 'ftp'"]),
      ("{ type: directory }", ["2:17: error: missing key 'path'"]),
      (
        "{ type: directory, path: x, bucket: y, prefix: a//b }",
        [
          "2:50: error: unknown key 'bucket'; there are type, path and prefix",
          "2:69: error: the key contains an empty component ('//')",
        ]
      ),
      ("{ type: s3 }", ["2:17: error: missing key 'bucket'"]),
      (
        "{ type: s3, bucket: a/b, region: 'eu west', prefix: ../x }",
        [
          "2:42: error: the name of a bucket has 3 to 63 letters, digits, '.', '_' and '-', found 'a/b'",
          "2:55: error: a region has at most 64 letters, digits and '-', found 'eu west'",
          "2:74: error: the key contains a '..' component",
        ]
      ),
      (
        "{ type: s3, bucket: abc, path_style: yes, insecure: on, checksum: crc32, verify_etag: 1 }",
        [
          "2:59: error: expected auto, true or false, found 'yes'", "2:74: error: expected true or false, found 'on'",
          "2:88: error: expected auto, md5, sha256 or none, found 'crc32'",
          "2:108: error: expected true or false, found '1'",
        ]
      ),
      (
        "{ type: s3, bucket: abc, endpoint: 'http://s3.example' }",
        ["2:57: error: http to 's3.example' sends everything in the clear; use https, or allow it with insecure: true"]
      ),
      (
        "{ type: s3, bucket: abc, endpoint: 'http://127.0.0.1.example' }",
        [
          "2:57: error: http to '127.0.0.1.example' sends everything in the clear; use https, or allow it with insecure: true"
        ]
      ),
      (
        "{ type: s3, bucket: abc, multipart_threshold: 1 }",
        [
          "2:47: error: unknown key 'multipart_threshold'; there are type, bucket, prefix, region, endpoint, credentials, path_style, insecure, checksum and verify_etag"
        ]
      ),
      (
        "{ type: s3, bucket: abc, credentials: { profile: ci } }",
        [
          "2:47: error: missing key 'access_key_id'", "2:47: error: missing key 'secret_access_key'",
          "2:62: error: unknown key 'profile'; there are access_key_id, secret_access_key and session_token",
        ]
      ),
    ] as [Case])
  func destinations(_ text: String, _ heads: [String]) throws { try check(destination(text), heads) }

  @Test(
    "An endpoint is a scheme, a host and at most a port",
    arguments: [
      "s3.example", "ftp://s3.example", "https://", "https://s3.example/path", "https://user:pw@s3.example",
      "https://s3.example:0", "https://s3.example:65536", "https://s3.example:", "https://s3.example:80x",
      "https://[::1",
      "https://[::1]80", "https://a b", "https://é.example", "https://s3.example?x", "https://.example",
      "HTTPS://s3.example",
    ])
  func endpoints(_ endpoint: String) throws {
    try check(
      destination("{ type: s3, bucket: abc, endpoint: '\(endpoint)' }"),
      ["2:57: error: an endpoint is http:// or https://, a host and perhaps a port, as in https://s3.example:9000"])
  }

  @Test("Names of workflows and destinations are plain")
  func names() throws {
    try check(
      """
      version: 1
      destinations: { 'a b': { type: directory, path: x } }
      workflows: { ../x: { watch: in, ready: { marker: m }, destinations: ['a b'] } }
      """,
      [
        "2:17: error: the name of a destination begins with a letter or digit and has only letters, digits, '.', '_' and '-', "
          + "at most 64; found 'a b'",
        "3:14: error: the name of a workflow begins with a letter or digit and has only letters, digits, '.', '_' and '-', "
          + "at most 64; found '../x'",
      ])
  }

  @Test("All problems are told at once, sorted by line and column")
  func allAtOnce() throws {
    try check(
      """
      workflows:
        w: { watch: none, ready: { marker: a/b }, destinations: [otu], filter: '(', hooks: { post: [none] } }
      destinations: { out: { type: directory, pathh: x } }
      version: 3
      """,
      [
        "2:15: error: the watched directory '$D/none' does not exist",
        "2:38: error: a marker is the name of a file, without a directory, found 'a/b'",
        "2:60: error: unknown destination 'otu'; did you mean 'out'?",
        "2:74: error: bad regular expression at offset 1: missing closing parenthesis",
        "2:95: error: the hook 'none' is not in PATH or cannot be executed", "3:17: error: missing key 'path'",
        "3:41: error: unknown key 'pathh'; did you mean 'path'?",
        "4:10: error: this Slipway reads version 1, found '3'",
      ])
  }
}

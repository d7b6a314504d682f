import Testing
import WorkflowFile

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
        "keep: for ever",
        [
          "8:19: error: expected a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m, found 'for ever'"
        ]
      ),
      (
        "keep: 30s",
        [
          "8:19: error: expected a duration from 1m to 3650d, found '30s'"
        ]
      ),
      (
        "rescan: 0s, poll: 500ms",
        [
          "8:21: error: expected a duration from 1s to 30d, found '0s'",
          "8:31: error: expected a duration from 1s to 1h, found '500ms'",
        ]
      ),
      (
        "state_dir: [], listen: x, tranfers: 3",
        [
          "8:24: error: expected a path, found a list",
          "8:28: error: unknown key 'listen'; there are state_dir, transfers, bandwidth, trees, rescan, poll, drain, grace and keep",
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
      ("{ type: ftp }", ["2:30: error: expected s3, directory or plugin, found 'ftp'"]),
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
          "2:88: error: expected auto, crc64nvme, crc32c, sha256, md5 or none, found 'crc32'",
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
        "{ type: s3, bucket: abc, etag: 1 }",
        [
          "2:47: error: unknown key 'etag'; there are type, bucket, prefix, region, endpoint, credentials, path_style, insecure, checksum, verify_etag, server, transfers, bandwidth, multipart_threshold, part_size, overwrite, storage_class, acl, sse, tags, metadata, headers, requester_pays and expected_bucket_owner"
        ]
      ),
      (
        "{ type: s3, bucket: abc, credentials: { profile: ci, session_token: x } }",
        ["2:62: error: 'profile' and 'session_token' exclude each other; the profile holds the keys"]
      ),
      (
        "{ type: s3, bucket: abc, credentials: { profile: '' } }",
        ["2:71: error: expected the name of a profile, found empty text"]
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

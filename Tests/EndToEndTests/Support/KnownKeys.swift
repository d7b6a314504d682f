import TestSupport
import Testing

/// The keys that the program reads, by its own account: what is told of keys that nobody has names those that there are.
struct KnownKeys {
  /// By the key whose mapping they stand in; `workflow`, `s3`, `directory`, `plugin` and `top` are the larger ones.
  let of: [String: [String]]

  private static let file = """
    version: 1
    settings: { qqqqsettings: 1 }
    destinations:
      s:
        type: s3
        bucket: some-bucket
        qqqqs3: 1
        sse: { type: AES256, qqqqsse: 1 }
        credentials: { profile: x, qqqqcredentials: 1 }
        headers: [{ match: x, expires: x, qqqqheaders: 1 }]
      d: { type: directory, path: out, qqqqdirectory: 1 }
      p: { type: plugin, command: sh, qqqqplugin: 1 }
    workflows:
      w:
        qqqqworkflow: 1
        watch: in
        ready: { marker: .ready, qqqqready: 1 }
        destinations: [d]
        hooks: { qqqqhooks: 1, post: [{ shell: x, qqqqhook: 1 }] }
        after: { qqqqafter: 1 }
        retry: { qqqqretry: 1 }
      m:
        watch: in2
        mirror: { qqqqmirror: 1 }
        destinations: [d]
      q:
        watch: in3
        queue: { working: a, completed: b, failed: c, qqqqqueue: 1 }
        destinations: [d]
    qqqqtop: 1
    """

  init(_ world: World) async throws {
    try world.scratch.write(Self.file, to: "workflows.yaml")
    let told = try await world.run("validate", expecting: 78).lines(.errors)
    var found: [String: [String]] = [:]
    for line in told {
      guard let match = line.firstMatch(of: #/unknown key 'qqqq(\w+)'; there (?:is|are) (.+)$/#)?.output else {
        continue
      }
      found[String(match.1)] = match.2.replacing(" and ", with: ", ").split(separator: ", ").map(String.init)
    }
    try #require(found.count == 16, "\(told)")
    of = found
  }

  subscript(_ mapping: String) -> Set<String> { Set(of[mapping] ?? []) }
}

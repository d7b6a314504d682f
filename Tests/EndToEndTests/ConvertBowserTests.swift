import Foundation
import TestSupport
import Testing

@Suite("convert bowser", .needsBinary)
struct ConvertBowserTests {
  private static let secret = "secret squirrel stuff"

  private func backend(region: String, _ buckets: String, secret: String = secret) -> String {
    """
    [[bowser.backends]]
    kind = "AWS-S3"
    region = "\(region)"
    access_key_id = "access key"
    secret_access_key = "\(secret)"
    \(buckets)

    """
  }

  private let variables = ["BOWSER_ACCESS_KEY_ID": "AKIAX", "BOWSER_SECRET_ACCESS_KEY": "x"]

  /// Writes the output as the workflow file, and has it validated.
  private func convert(_ world: World, _ arguments: [String], _ variables: [String: String]) async throws -> Program {
    let converted = try await world.run(["convert", "bowser"] + arguments)
    #expect(!converted.transcript.contains(Self.secret) && !converted.transcript.contains("access key"))
    let text = converted.lines(.output).joined(separator: "\n") + "\n"
    try world.scratch.write(
      text.replacingOccurrences(of: "/tmp/.bowser.started", with: world.scratch("started")), to: "workflows.yaml")
    let validated = try await world.run("validate", environment: variables)
    #expect(validated.lines(.errors) == [], "\(converted.transcript)")
    return converted
  }

  @Test("A configuration becomes a workflow file with which nothing is wrong; keys become references")
  func whole() async throws {
    try await World.with(.none) { world in
      let text =
        "[bowser]\ndry_run = true\n"
        + backend(
          region: "eu-west-1",
          "[[bowser.backends.buckets]]\nname = \"test-bucket\"\nprefix = \"/some/root/it's\"\n"
            + "[[bowser.backends.buckets]]\nname = \"staging-bucket\"\nkey = \"old\"")
      try world.scratch.write(text, to: "bowser.toml")
      let converted = try await convert(world, ["bowser.toml", "--watch", "in"], variables)
      #expect(converted.lines(.errors) == [])
      #expect(
        converted.lines(.output).filter { !$0.isEmpty }
          == [
            "# From bowser.toml. Check it: slipway validate",
            "# The keys are not written here. Set BOWSER_ACCESS_KEY_ID, BOWSER_SECRET_ACCESS_KEY.",
            "version: 1", "destinations:", "  test-bucket:", "    type: s3", "    bucket: 'test-bucket'",
            "    prefix: 'some/root/it''s'", "    region: 'eu-west-1'", "    credentials:",
            "      access_key_id: ${BOWSER_ACCESS_KEY_ID}", "      secret_access_key: ${BOWSER_SECRET_ACCESS_KEY}",
            "  staging-bucket:", "    type: s3", "    bucket: 'staging-bucket'", "    prefix: 'old'",
            "    region: 'eu-west-1'", "    credentials:", "      access_key_id: ${BOWSER_ACCESS_KEY_ID}",
            "      secret_access_key: ${BOWSER_SECRET_ACCESS_KEY}", "workflows:", "  bowser:",
            "    watch: 'in'  # DIR of 'bowser watch DIR'", "    ready: { marker: .bowser.ready }",
            "    stop: { marker: .bowser.complete, abort: .bowser.abort }", "    started: /tmp/.bowser.started",
            "    sidecar: .metadata  # x.metadata gives the tags of x.*; a file without an extension has none",
            "    exclude:", "      - '(^|/)\\.bowser[^/]*$'", "    dry_run: true",
            "    destinations: [test-bucket, staging-bucket]",
          ])
    }
  }

  @Test("What it makes delivers as bowser did: keys below the prefix, tags of sidecars, markers left out")
  func delivers() async throws {
    try await World.with { world in
      try world.scratch.write(
        "[bowser]\nignore = ['*.tmp', '/top/*.log', 'build/', '!keep.tmp', '# none', 'a[!b]?', 'deep/**/x']\n"
          + backend(region: "us-east-1", "[[bowser.backends.buckets]]\nname = '\(world.bucket)'\nprefix = 'p/q'"),
        to: "bowser.toml")
      let keys = [
        "BOWSER_ACCESS_KEY_ID": world.reader.accessKeyID, "BOWSER_SECRET_ACCESS_KEY": world.reader.secretAccessKey,
      ]
      let converted = try await convert(
        world, ["bowser.toml", "--watch", "in", "--strategy", "count", "-n", "1"], keys)
      #expect(
        converted.lines(.errors) == [
          "slipway: warning: bowser.ignore: '!keep.tmp' takes files back, which exclude cannot",
          "slipway: warning: .bowser.abort: beside a count there is no marker that ends the intake",
        ])
      #expect(converted.lines(.output).contains { $0.hasPrefix("#   bowser.ignore: '!keep.tmp'") })
      for name in [
        "x.csv", "x.metadata", "a.tmp", "d/a.tmp", "a.log", "build/y", "d/build/z", "abc", "acd", "deep/x",
        "deep/e/f/x",
        ".bowser.other",
      ] {
        try world.scratch.write(name.hasSuffix("metadata") ? #"{"k": "v"}"# : "1", to: "in/top/\(name)")
      }
      try world.scratch.write("", to: "in/top/.bowser.ready")
      var environment = keys
      environment["AWS_ENDPOINT_URL_S3"] = world.reader.endpoint
      try await world.run("run", environment: environment)
      #expect(
        try await world.keys() == ["abc", "deep/e/f/x", "deep/x", "x.csv"].map { "p/q/top/\($0)" })
      let tags = try await world.reader.tags(world.bucket, Array("p/q/top/x.csv".utf8))
      #expect(tags == ["k": "v"])
    }
  }

  @Test("Of several files later ones win, tables key by key and arrays whole")
  func merges() async throws {
    try await World.with(.none) { world in
      try world.scratch.write(
        "[bowser]\ndry_run = true\nignore = ['one']\n"
          + backend(region: "a", "buckets = [{ name = 'first' }]"), to: "etc.toml")
      try world.scratch.write(
        "[bowser]\ndry_run = false\n"
          + backend(
            region: "b", "buckets = [{ name = 'second' }, { name = 'second' }, { name = 'second', prefix = 'x' }]")
          + backend(region: "c", "buckets = [{ name = 'second' }]"), to: "user.toml")
      let converted = try await convert(
        world, ["etc.toml", "user.toml", "--watch", "in"],
        Dictionary(
          uniqueKeysWithValues: [1, 2].flatMap { number in
            ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"].map { ("BOWSER_\(number)_\($0)", "x") }
          }))
      let lines = converted.lines(.output)
      #expect(lines.contains("    destinations: [second, second-2, second-3]"), "\(lines)")
      #expect(lines.contains("      - '(^|/)one(/|$)'") && !lines.contains("    dry_run: true"), "\(lines)")
      #expect(!lines.contains { $0.contains("first") })
      #expect(
        converted.lines(.errors) == ["slipway: warning: bowser.backends[0].buckets[1]: this place is there already"])
    }
  }

  @Test("What is unknown is told in the file and as a warning, never with a value")
  func unknown() async throws {
    try await World.with(.none) { world in
      try world.scratch.write(
        "other = '\(Self.secret)'\n[bowser]\npolling_interval = 3\nnew = 1\n"
          + backend(
            region: "a",
            "session_token = '\(Self.secret)'\n[[bowser.backends.buckets]]\nname = 'first'\n"
              + "[bowser.backends.buckets.link]\ntarget = { kind = 'RegexMatch', pattern = 'x' }\nname = 'latest'")
          + "[[bowser.backends]]\nkind = 'GCS'\nbuckets = []\n", to: "bowser.toml")
      let converted = try await convert(world, ["bowser.toml", "--watch", "in"], variables)
      let notes = [
        "other: this key is unknown", "bowser.new: this key is unknown",
        "bowser.polling_interval: events are followed, and polled only where there are none (settings.poll)",
        "bowser.backends[0].session_token: this key is unknown",
        "bowser.backends[0].buckets[0].link: no second object is made under another key; a post hook can copy it",
        "bowser.backends[1]: only the kind 'AWS-S3' is known, this one is 'GCS'",
      ]
      #expect(converted.lines(.errors) == notes.map { "slipway: warning: \($0)" })
      #expect(converted.lines(.output).filter { $0.hasPrefix("#   ") } == notes.map { "#   \($0)" })
    }
  }

  @Test(
    "What cannot be read is a problem of the configuration, told without what stands there",
    arguments: [
      ("[bowser]\nx = ", "bowser.toml:2:5: error: this is not TOML"),
      ("[bowser]\nsecret_access_key = secret squirrel stuff", "bowser.toml:2:21: error: this is not TOML"),
      ("", "there is no table [bowser]"), ("bowser = 1", "bowser: expected a table"),
      ("[bowser]", "bowser.backends: there is no bucket to upload to"),
      ("[bowser]\ndry_run = 'no'", "bowser.dry_run: expected true or false"),
      ("[bowser]\nignore = [1]", "bowser.ignore: expected a text"),
      ("[bowser]\nbackends = 1", "bowser.backends: expected an array"),
      (
        "[bowser]\nbackends = [{ kind = 'AWS-S3', buckets = [{}] }]",
        "bowser.backends[0].buckets[0].name: it is missing"
      ),
      ("a = '\u{0}'", "bowser.toml: the file is not UTF-8 text"),
    ])
  func wrong(_ text: String, _ told: String) async throws {
    try await World.with(.none) { world in
      try world.scratch.write(text, to: "bowser.toml")
      let refused = try await world.run("convert", "bowser", "bowser.toml", expecting: 78)
      #expect(refused.lines(.errors) == ["slipway: \(told)"])
      #expect(refused.lines(.output) == [])
    }
  }

  @Test("A file that is not there, and one without end, are told")
  func unreadable() async throws {
    try await World.with(.none) { world in
      let missing = try await world.run("convert", "bowser", "none.toml", expecting: 78)
      #expect(
        missing.lines(.errors) == ["slipway: none.toml: the file cannot be read: No such file or directory"])
      let endless = try await world.run("convert", "bowser", "/dev/zero", expecting: 78)
      #expect(endless.lines(.errors) == ["slipway: /dev/zero: the file has more than 1048576 bytes"])
      try await world.run("convert", "bowser", expecting: 64)
      try await world.run("convert", "bowser", "x", "--strategy", "count", expecting: 64)
    }
  }
}

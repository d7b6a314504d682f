import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

@Suite("convert mc", .needsBinary)
struct ConvertMCTests {
  private static let secret = "secret squirrel"
  private static let keys = ["MC_ACCESS_KEY_ID": "AKIAX", "MC_SECRET_ACCESS_KEY": "x", "MC_SESSION_TOKEN": "x"]

  private func writeAliases(_ world: World) throws {
    let keys = #""accessKey":"\#(Self.secret)","secretKey":"\#(Self.secret)","api":"S3v4""#
    try world.scratch.write(
      """
      {"version":"10","aliases":{
      "minio":{"url":"https://minio.example:9000",\(keys),"path":"auto"},
      "lan":{"url":"http://10.0.0.1:9000/","sessionToken":"\(Self.secret)",\(keys),"path":"on"},
      "old":{"url":"http://127.0.0.1:9000","accessKey":"","secretKey":"","api":"s3v2","path":"off"},
      "s3":{"url":"https://s3.amazonaws.com",\(keys),"path":"dns"},
      "eu":{"url":"https://s3.eu-west-1.amazonaws.com",\(keys),"path":"auto"}}}
      """, to: ".mc/config.json")
  }

  /// Writes the output as the workflow file, and has it validated.
  private func convert(_ world: World, _ arguments: String...) async throws -> Program {
    let converted = try await world.run(["convert", "mc", "--"] + arguments)
    #expect(!converted.transcript.contains(Self.secret))
    try world.scratch.write(converted.lines(.output).joined(separator: "\n") + "\n", to: "workflows.yaml")
    let validated = try await world.run("validate", environment: Self.keys)
    #expect(validated.lines(.errors) == [], "\(converted.transcript)")
    return converted
  }

  @Test("A command becomes a workflow file with which nothing is wrong; keys become references")
  func whole() async throws {
    try await World.with(.none) { world in
      try writeAliases(world)
      let converted = try await convert(
        world, "mirror", "--watch", "--remove", "--exclude", "*.tmp", "in", "minio/site-bucket/www")
      #expect(converted.lines(.errors) == [])
      #expect(
        converted.lines(.output).filter { !$0.isEmpty }
          == [
            "# From mc mirror in minio/site-bucket/www. Check it: slipway validate",
            "# The keys are not written here. Set MC_ACCESS_KEY_ID, MC_SECRET_ACCESS_KEY.",
            "# They are accessKey and secretKey of 'minio' in \(world.scratch(".mc/config.json")).",
            "# It watches: slipway run", "version: 1", "destinations:", "  site-bucket:", "    type: s3",
            "    bucket: 'site-bucket'", "    prefix: 'www'", "    endpoint: 'https://minio.example:9000'",
            "    credentials:", "      access_key_id: ${MC_ACCESS_KEY_ID}",
            "      secret_access_key: ${MC_SECRET_ACCESS_KEY}", "workflows:", "  mirror:",
            "    watch: '\(world.scratch("in"))'",
            "    mirror: { delete: true }  # max_delete: 10% lets no single run delete more", "    exclude:",
            "      - '\\.tmp$'", "    destinations: [site-bucket]",
          ])
    }
  }

  @Test("Every flag that has a key becomes it, and the others are told")
  func flags() async throws {
    try await World.with(.none) { world in
      try writeAliases(world)
      let converted = try await convert(
        world, "--json", "mirror", "-w", "--limit-upload", "1.5GiB", "--max-workers=4", "--attr",
        "Cache-Control=max-age=9;Artist=A", "--enc-kms", "lan/b3k=key", "--checksum", "CRC32C", "--disable-multipart",
        "-sc", "STANDARD_IA", "--fake", "--preserve", "--exclude-bucket", "te?t", "--region", "eu-west-1",
        "--custom-header", "X: \(Self.secret)", "--enc-c=lan/b3k=\(Self.secret)", "--retry", "in", "lan/b3k//a/./b/")
      let lines = converted.lines(.output)
      for expected in [
        "    prefix: 'a/b'", "    region: 'eu-west-1'", "    endpoint: 'http://10.0.0.1:9000'", "    path_style: true",
        "    insecure: true  # http to another machine, as the alias has it", "    bandwidth: 1536MiB/s",
        "      session_token: ${MC_SESSION_TOKEN}", "    transfers: 4", "    metadata:", "      'artist': 'A'",
        "        cache_control: 'max-age=9'", "    sse: { type: aws:kms, kms_key_id: 'key' }", "    checksum: crc32c",
        "    multipart_threshold: 5GiB  # above it S3 takes files in parts only", "    storage_class: 'STANDARD_IA'",
        "    mirror: { delete: false }", "      - '^te[^/]t(/|$)'", "    dry_run: true", "# Needs no key:",
        "#   --json: 'slipway run --log json' logs so",
        "#   --retry: every request and every run is tried again ('retry')",
      ] {
        #expect(lines.contains(expected), "\(expected)")
      }
      let notes = [
        "--preserve: owner, mode and times of a file are not kept with its object",
        "--region: Slipway makes no bucket; taken as the region of the one that is there",
        "--custom-header: requests have no fields of one's own; 'headers' and 'metadata' are the objects'",
        "--enc-c: a key of one's own (SSE-C) is never sent, and objects would lie there without it; 'sse' has the "
          + "server's keys",
        "without --remove newer releases of mc delete the object of a file that they see go; here nothing is deleted "
          + "without 'delete: true'",
      ]
      #expect(converted.lines(.errors) == notes.map { "slipway: warning: \($0)" })
      #expect(lines.filter { $0.hasPrefix("#   ") }.suffix(notes.count) == notes.map { "#   \($0)" })
    }
  }

  @Test("Of a flag that is given twice, under whatever names, the last counts")
  func twice() async throws {
    try await World.with(.none) { world in
      try writeAliases(world)
      let lines = try await convert(
        world, "mirror", "-w", "--remove", "-sc", "A", "--storage-class", "B", "--md5", "-checksum", "SHA256", "--attr",
        "a=b", "-attr", "Expires=x", "--max-workers", "1", "--max-workers", "2", "--enc-s3", "minio/b3k", "in",
        "minio/b3k/p"
      ).lines(.output)
      let wanted = [
        "    sse: { type: AES256 }", "    storage_class: 'B'", "    checksum: sha256", "    transfers: 2",
        "    headers:",
        "        expires: 'x'",
      ]
      #expect(wanted.allSatisfy(lines.contains))
      #expect(lines.count { $0.contains("storage_class") || $0.contains("metadata") || $0.contains("transfers") } == 2)
    }
  }

  @Test("AWS has no endpoint, its region is that of the host, and path 'dns' is no path style")
  func servers() async throws {
    try await World.with(.none) { world in
      try writeAliases(world)
      let plain = try await convert(world, "mirror", "--overwrite", "in", "s3/some-bucket").lines(.output)
      #expect(plain.contains("    region: ${AWS_REGION:-us-east-1}  # a bucket of another region is found there"))
      #expect(plain.contains("    path_style: false") && !plain.contains { $0.contains("endpoint:") })
      #expect(plain.contains("# Without --watch it is done once: slipway run --once"))
      #expect(!plain.contains { $0.contains("overwrite:") || $0.contains("insecure") })
      let regional = try await convert(world, "mirror", "-w", "--remove", "in", "eu/some-bucket").lines(.output)
      #expect(regional.contains("    region: 'eu-west-1'") && !regional.contains { $0.contains("endpoint:") })
      let former = try await convert(world, "mirror", "--overwrite", "in", "old/some-bucket")
      #expect(!former.lines(.output).contains { $0.contains("credentials:") || $0.contains("insecure:") })
      #expect(
        former.lines(.errors) == [
          "slipway: warning: api S3v2 of 'old': requests are signed by version 4 only",
          "slipway: warning: 'old' has no keys: those count that the AWS tools would find, and requests are always signed",
        ])
    }
  }

  @Test("A local target is a directory; what only a bucket has is told")
  func local() async throws {
    try await World.with(.none) { world in
      let converted = try await convert(world, "mirror", "--remove", "--overwrite", "--md5", "in", "./out")
      #expect(
        converted.lines(.errors) == ["slipway: warning: --md5: TARGET is a directory, which has no such key"])
      try world.scratch.write("1", to: "in/a/b")
      try await world.run("run", "--once")
      #expect(world.scratch.read("out/a/b") == Array("1".utf8))
    }
  }

  @Test("One text is taken apart as a shell does; -q tells no warnings")
  func line() async throws {
    try await World.with(.none) { world in
      let alias = ["MC_HOST_m": "https://\(Self.secret.filter { $0 != " " }):s/+x@host.example"]
      let converted = try await world.run(
        "convert", "mc", "-q", "mc mirror --exclude '*.t p' \"in\" m/some-bucket", environment: alias)
      #expect(converted.lines(.errors) == [])
      let lines = converted.lines(.output)
      #expect(lines.contains("      - '\\.t p$'") && lines.contains("# They are those in MC_HOST_m."))
      #expect(lines.contains("    endpoint: 'https://host.example'") && !lines.contains { $0.contains("s/+x") })
    }
  }

  @Test("What it makes mirrors as mc did, with keys from the environment")
  func mirrors() async throws {
    try await World.with { world in
      let server = world.reader.endpoint.replacing("http://", with: "")
      let alias = [
        "MC_HOST_here": "http://\(world.reader.accessKeyID):\(world.reader.secretAccessKey)@\(server)"
      ]
      let converted = try await world.run(
        "convert", "mc", "--", "mirror", "--watch", "--remove", "--exclude", "*.tmp", "in", "here/\(world.bucket)/www",
        environment: alias)
      let text = converted.lines(.output).joined(separator: "\n") + "\n    started: \(world.scratch("started"))\n"
      try world.scratch.write(text, to: "workflows.yaml")
      for key in ["www/old", "www/keep.tmp", "beside"] {
        try await world.reader.put(world.bucket, Array(key.utf8), [1])
      }
      for name in ["a.html", "css/b.css", "c.tmp", "css/d.tmp"] { try world.scratch.write("1", to: "in/\(name)") }
      let keys = [
        "MC_ACCESS_KEY_ID": world.reader.accessKeyID, "MC_SECRET_ACCESS_KEY": world.reader.secretAccessKey,
      ]
      let service = try await world.startService(environment: keys)
      let first = try await hold(world, ["beside", "www/a.html", "www/css/b.css", "www/keep.tmp"])
      #expect(first, "\(service.transcript)")
      unlink(world.scratch("in/a.html"))
      try world.scratch.write("2", to: "in/css/new.css")
      let second = try await hold(world, ["beside", "www/css/b.css", "www/css/new.css", "www/keep.tmp"])
      #expect(second, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }

  /// Whether the bucket comes to have these keys.
  private func hold(_ world: World, _ keys: [String]) async throws -> Bool {
    let deadline = ContinuousClock.now + World.limit
    var found = try await world.keys()
    while found != keys, ContinuousClock.now < deadline { found = try await world.keys() }
    return found == keys
  }

  @Test("Without --overwrite what differs stays, and is told")
  func leavesAlone() async throws {
    try await World.with(.scripted([])) { world in
      let server = world.reader.endpoint.replacing("http://", with: "")
      let converted = try await world.run(
        "convert", "mc", "--", "mirror", "in", "here/\(world.bucket)",
        environment: ["MC_HOST_here": "http://k:s@\(server)"])
      #expect(converted.lines(.errors).first?.contains("without --overwrite mc leaves alone what is there") == true)
      try world.scratch.write(
        converted.lines(.output).joined(separator: "\n") + "\n    retry: { attempts: 1, backoff: 1ms..1ms }\n",
        to: "workflows.yaml")
      try await world.reader.put(world.bucket, Array("a".utf8), [1])
      try world.scratch.write("other", to: "in/a")
      try world.scratch.write("new", to: "in/b")
      let keys = [
        "MC_ACCESS_KEY_ID": world.reader.accessKeyID, "MC_SECRET_ACCESS_KEY": world.reader.secretAccessKey,
      ]
      let run = try await world.run("run", "--once", expecting: 1, environment: keys)
      #expect(run.transcript.contains("another object is there"))
      let there = try await world.reader.get(world.bucket, Array("a".utf8))
      #expect(there.bytes == [1])
      #expect(try await world.keys() == ["a", "b"])
    }
  }

  /// Arguments, and what is told of them.
  private static let wrong: [([String], String)] = [
    (["mirror", "--wach", "in", "minio/b3k"], "mc mirror has no flag --wach; did you mean --watch?"),
    (["cp", "in", "minio/b3k"], "mc's 'cp' is not converted, only 'mirror' is"),
    (["mirror", "in"], "mc mirror takes SOURCE and TARGET, and here is 1"),
    (
      ["mirror", "minio/photos", "./in"],
      "SOURCE 'minio/photos' is on a server: Slipway uploads from a local directory, and does not download; a "
        + "directory of that name is ./minio/photos"
    ),
    (
      ["mirror", "in", "minio"],
      "TARGET 'minio' names no bucket: Slipway sends to one, and makes none; write minio/BUCKET"
    ),
    (["mirror", "in", "minio/b3k/../x"], "TARGET 'minio/b3k/../x' has '..' in it"),
    (
      ["mirror", "in", "https://k:\(secret)@host/b3k"],
      "TARGET is a URL: mc knows servers by aliases, and MC_HOST_ALIAS=https://ACCESS:SECRET@HOST makes one"
    ),
    (["mirror --exclude 'x in y"], "a quote has no end"),
    (["mirror", "--checksum", "x", "in", "minio/b3k"], "--checksum: 'x' is none of mc's checksums"),
    (["mirror", "--limit-upload", "x", "in", "minio/b3k"], "--limit-upload: 'x' is not a size, as 100MiB is"),
    (["mirror", "--max-workers", "x", "in", "minio/b3k"], "--max-workers: 'x' is not a number"),
  ]

  @Test("What is no upload, and what is unknown, is refused with what to do", arguments: wrong)
  func refused(_ arguments: [String], _ told: String) async throws {
    try await World.with(.none) { world in
      try writeAliases(world)
      let refused = try await world.run(["convert", "mc", "--"] + arguments, expecting: 64)
      #expect(refused.lines(.errors) == ["slipway: \(told)"] && refused.lines(.output) == [])
    }
  }

  @Test("An alias that is not there is told with where it was looked for")
  func missing() async throws {
    try await World.with(.none) { world in
      let file = world.scratch(".mc/config.json")
      let none = try await world.run(["convert", "mc", "--", "mirror", "in", "who/b3k"], expecting: 78)
      #expect(
        none.lines(.errors) == [
          "slipway: TARGET 'who/b3k': there is no alias 'who' in MC_HOST_who and \(file); --config-dir names another "
            + "directory, and a local one begins with / or ./"
        ])
      try world.scratch.write("{ \(Self.secret)", to: "etc/config.json")
      let broken = try await world.run(["convert", "mc", "--", "-C", "etc", "mirror", "in", "who/b3k"], expecting: 78)
      #expect(broken.lines(.errors) == ["slipway: etc/config.json: this is not JSON as mc writes it"])
    }
  }
}

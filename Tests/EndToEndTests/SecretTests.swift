import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("Secrets", .needsBinary)
struct SecretTests {
  enum Place: String, CaseIterable { case file, environment }

  private static let token = "canary/session+token=="

  /// A scripted server that wants a session token, and a workflow with keys from `place`.
  private func with(_ place: Place, _ body: (World, [String: String]) async throws -> Void) async throws {
    try await World.with(.scripted([])) { world in
      let server = try #require(world.scripted)
      server.change { $0.keys.sessionToken = Self.token }
      let keys = server.keys
      let credentials =
        "{ access_key_id: \(keys.accessKeyID), secret_access_key: '\(keys.secretAccessKey)', session_token: '\(Self.token)' }"
      let dump =
        "{ env; tr \"\\000\" \" \" </proc/$$/cmdline; tr \"\\000\" \" \" </proc/$PPID/cmdline; cat; } >>\(world.scratch("dump")); env"
      try world.configure(
        """
        hooks:
          pre: [{ shell: '\(dump)', dry_run: true }]
          post: [{ shell: '\(dump)', when: always, pass_env: [AWS_PROFILE] }]
        """, to: "[store]",
        destinations: """
          destinations:
            store:
              type: s3
              bucket: \(world.bucket)
              prefix: pre/
              region: us-east-1
              endpoint: \(world.reader.endpoint)
          \(place == .file ? "    credentials: \(credentials)" : "")

          """)
      let environment = [
        "AWS_ACCESS_KEY_ID": keys.accessKeyID, "AWS_SECRET_ACCESS_KEY": keys.secretAccessKey,
        "AWS_SESSION_TOKEN": Self.token, "AWS_PROFILE": "ci",
      ]
      try await body(world, place == .environment ? environment : ["AWS_PROFILE": "ci"])
    }
  }

  @Test(
    "The secret key and the session token are in no log, answer, hook, manifest or ledger", arguments: Place.allCases)
  func nowhere(_ place: Place) async throws {
    try await with(place) { world, environment in
      let server = try #require(world.scripted)
      try world.makeTree("good", ["a": "1"])
      var told: [Program] = []
      told.append(try await world.run("run", "--once", "--dry-run", "-v", environment: environment))
      told.append(try await world.run("run", "--once", "-v", environment: environment))
      #expect(server.object("pre/good/a", in: world.bucket) != nil, "\(told[1].transcript)")
      // What goes wrong tells most: a signature that does not match, an answer that cannot be read, a refusal.
      server.add(
        .first("PUT", "pre/bad/a", .answer(status: 403, code: "SignatureDoesNotMatch")),
        .first("PUT", "pre/bad/b", .answer(status: 403, code: "InvalidAccessKeyId")),
        .first("PUT", "pre/bad/c", .answer(status: 500, code: "")), .first("PUT", "pre/bad/d", .cutAnswer))
      try world.makeTree("bad", ["a": "1", "b": "1", "c": "1", "d": "1"])
      let failing = try world.start("run", "--once", "-v", "--log", "json", environment: environment)
      _ = await failing.end()
      #expect(failing.lines().contains { $0.contains("SignatureDoesNotMatch") }, "\(failing.transcript)")
      told.append(failing)
      for run in try await world.run("runs", "--json", environment: environment).objects() {
        let id = try #require(run["run"] as? String)
        for form in ["--json", "--files"] {
          told.append(try await world.run("show", id, form, environment: environment))
        }
      }
      for verb in [["validate"], ["explain", "in/good/a"], ["explain", "in/good/a", "--json"]] {
        let program =
          verb.count == 1
          ? try world.start(verb[0], environment: environment)
          : try world.start(verb[0], verb[1], verb.last ?? "", environment: environment)
        _ = await program.end()
        told.append(program)
      }
      var places = told.map { Array($0.transcript.utf8) } + [world.scratch.read("dump") ?? []]
      places += try world.scratch.files(below: "state").map {
        world.scratch.read(bytes: Array("state/".utf8) + $0) ?? []
      }
      #expect(places.count > 10 && world.scratch.lines("dump").contains { $0.contains("AWS_PROFILE=ci") })
      for secret in [server.keys.secretAccessKey, Self.token].map({ Data($0.utf8) }) {
        for place in places {
          #expect(Data(place).range(of: secret) == nil, "\(String(decoding: place, as: UTF8.self))")
        }
      }
    }
  }

  @Test(
    "A hook cannot be given the keys by name",
    arguments: ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"])
  func passed(_ name: String) async throws {
    try await World.with(.none) { world in
      try world.configure("hooks: { pre: [{ shell: env, pass_env: [\(name)] }] }", to: "[copy]")
      let program = try await world.run("validate", expecting: 78, environment: [name: "canary"])
      #expect(
        program.lines(.errors).contains { $0.contains(": error: ") && $0.contains(name) }, "\(program.transcript)")
      #expect(!program.transcript.contains("canary"))
    }
  }

  @Test("A file whose credentials are wrong is quoted without them")
  func quoted() async throws {
    try await World.with(.none) { world in
      try world.configure(
        destinations: "destinations: { store: { type: s3, bucket: b, credentials: { secret_access_key: canary-1 } } }\n"
      )
      let program = try await world.run("validate", expecting: 78)
      #expect(program.lines(.errors).contains { $0.contains("***") || $0.contains("secret_access_key") })
      #expect(!program.transcript.contains("canary-1"), "\(program.transcript)")
    }
  }
}

@Suite("Files that others may write", .needsBinary)
struct WritableFileTests {
  /// What is opened to others, and to whom.
  static let cases: [(name: String, mode: mode_t, told: String)] = [
    ("workflows.yaml", 0o666, "can be written by others (mode 0666)"),
    ("hook", 0o777, "can be written by others (mode 0777)"),
    ("hooks", 0o777, "which can be written by others (mode 0777)"),
    ("hooks/inner", 0o757, "can be written by others (mode 0757)"),
  ]

  @Test("are refused, and with --trust-permissions warned of", arguments: cases)
  func refused(_ name: String, _ mode: mode_t, _ told: String) async throws {
    try await World.with(.none) { world in
      for hook in ["hook", "hooks/inner"] { try world.scratch.write("#!/bin/sh\n", to: hook, executable: true) }
      try world.configure("hooks: { pre: [./hook, hooks/inner] }", to: "[copy]")
      try world.makeTree("t", ["a": "1"])
      #expect(chmod(world.scratch(name), mode) == 0)
      let refused = try await world.run("run", "--once", expecting: 78)
      #expect(
        refused.lines(.errors).contains { $0.contains(": error: ") && $0.contains(told) }, "\(refused.transcript)")
      #expect(try world.copies() == [] && !world.scratch.exists("state"))
      let warned = try await world.run("run", "--once", "--trust-permissions")
      #expect(
        warned.lines(.errors).contains { $0.contains(": warning: ") && $0.contains(told) }, "\(warned.transcript)")
      #expect(try world.copies() == ["t/a"])
    }
  }
}

import Foundation
import SlipwayModel
import TestSupport
import Testing

/// Fault 22: wherever the secret key comes from, it goes nowhere.
@Suite("A secret key and a session token that must turn up nowhere", .needsBinary)
struct CanaryTests {
  /// Where the keys stand.
  enum Place: String, CaseIterable { case file, environment, profile }

  private static let secret = "canary/SECRET+key/0123456789="
  private static let token = "canary/session+TOKEN/0123456789=="

  /// The only files in which the canaries may stand.
  private static let allowed: Set = ["workflows.yaml", ".aws/credentials"]

  private static func credentials(_ place: Place, _ server: ScriptedS3Server) -> String {
    switch place {
    case .file:
      "credentials: { access_key_id: \(server.keys.accessKeyID), secret_access_key: '\(secret)', session_token: '\(token)' }"
    case .environment: ""
    case .profile: "credentials: { profile: ci }"
    }
  }

  private func prepare(_ place: Place, _ world: World, _ server: ScriptedS3Server) throws {
    server.change {
      $0.keys.secretAccessKey = Self.secret
      $0.keys.sessionToken = Self.token
    }
    let dump = world.scratch("dump")
    let hook =
      "{ env; cat; cat /proc/$PPID/cmdline; tr \"\\000\" \"\\n\" </proc/$$/environ; ps axww -o args; find \"$SLIPWAY_STATE\" \"$SLIPWAY_MANIFEST\" -type f -exec cat {} +; } >>\(dump) 2>&1; env"
    try world.configure(
      """
      hooks:
        pre: [{ shell: '\(hook)', dry_run: true }]
        post: [{ shell: '\(hook)', when: always, pass_env: [AWS_PROFILE] }]
      commit: manifest
      """, to: "[store]",
      destinations: """
        destinations:
          store:
            type: s3
            bucket: \(world.bucket)
            prefix: pre/
            region: us-east-1
            endpoint: \(server.endpoint)
            multipart_threshold: 5MiB
            part_size: 5MiB
            \(Self.credentials(place, server))

        """)
    guard place == .profile else { return }
    try world.scratch.write(
      """
      [ci]
      aws_access_key_id = \(server.keys.accessKeyID)
      aws_secret_access_key = \(Self.secret)
      aws_session_token = \(Self.token)

      """, to: ".aws/credentials")
  }

  private func environment(_ place: Place, _ server: ScriptedS3Server) -> [String: String] {
    guard place == .environment else { return [:] }
    return [
      "AWS_ACCESS_KEY_ID": server.keys.accessKeyID, "AWS_SECRET_ACCESS_KEY": Self.secret,
      "AWS_SESSION_TOKEN": Self.token, "AWS_PROFILE": "ci",
    ]
  }

  @Test("fault 22: no verb, answer, hook, argument, manifest or ledger has it", arguments: Place.allCases)
  func nowhere(_ place: Place) async throws {
    try await World.with(.scripted([])) { world in
      let server = try #require(world.scripted)
      try prepare(place, world, server)
      let environment = environment(place, server)
      var told: [Program] = []
      func tell(_ arguments: String...) async throws {
        let binary = try #require(SlipwayBinary.path)
        let program = try world.startProgram([binary] + arguments, environment: environment)
        #expect(await program.end() != nil, "\(arguments)")
        told.append(program)
      }
      try await deliver(world, server, tell)
      #expect(server.object("pre/good/a", in: world.bucket) != nil, "\(told.map(\.transcript))")
      try await fail(world, server, tell)
      try await ask(world, tell)
      try await serve(world, environment, &told)
      try expectNowhere(world, told)
    }
  }

  private typealias Tell = (String...) async throws -> Void

  private func deliver(_ world: World, _ server: ScriptedS3Server, _ tell: Tell) async throws {
    try world.makeTree("good", ["a": "1"], ready: false)
    try world.scratch.write([UInt8](repeating: 7, count: 6 << 20), toBytes: Array("in/good/large".utf8))
    try world.scratch.write("", to: "in/good/.ready")
    try await tell("validate", "-v")
    try await tell("check", "-v")
    try await tell("check", "--json")
    try await tell("run", "--once", "--dry-run", "-v")
    try await tell("run", "--once", "-v")
  }

  /// What goes wrong tells most: refusals that say again what was sent, answers that cannot be read.
  private func fail(_ world: World, _ server: ScriptedS3Server, _ tell: Tell) async throws {
    server.add(
      .first("PUT", "pre/bad/a", .answer(status: 403, code: "SignatureDoesNotMatch")),
      .first("PUT", "pre/bad/b", .echo(status: 400)), .first("PUT", "pre/bad/c", .echo(status: 500)),
      .first("PUT", "pre/bad/d", .cutAnswer), .first("PUT", "pre/bad/e", .echo(status: 403)))
    try world.makeTree("bad", ["a": "1", "b": "1", "c": "1", "d": "1", "e": "1"])
    try await tell("run", "--once", "-v", "--log", "json")
    server.add(.every("", "", .echo(status: 403)))
    try await tell("check", "-v")
    try await tell("cleanup")
    try await tell("retry", "--failed", "-v")
    try await tell("run", "--once", "-v")
    server.removeRules()
    server.change { $0.keys.secretAccessKey = "another" }
    try await tell("check")
    try await tell("run", "--once", "-v")
    server.change { $0.keys.secretAccessKey = Self.secret }
  }

  private func ask(_ world: World, _ tell: Tell) async throws {
    for run in try await world.run("runs", "--json").objects() {
      let id = try #require(run["run"] as? String)
      for form in [["show", id], ["show", id, "--json"], ["show", id, "--files"]] {
        try await tell(form[0], form[1], form.last ?? id)
      }
    }
    try await tell("runs")
    try await tell("explain", "in/good/a")
    try await tell("explain", "in/good/a", "--json")
    try await tell("validate", "--json")
    try await tell("cleanup", "--json")
    let hook = try world.scratch.write("#!/bin/sh\nenv\ncat\n", to: "by-hand", executable: true)
    try await tell("hook", "run", hook, "--tree", world.scratch("in/good"))
    try await tell(
      "watch", world.scratch("in"), "--to", "s3://\(world.bucket)/watched", "--once", "-v", "--state-dir",
      world.scratch("watch-state"))
    try world.scratch.write(
      String(decoding: world.scratch.read("workflows.yaml") ?? [], as: UTF8.self)
        .replacing("secret_access_key:", with: "secret_acess_key:").replacing("profile:", with: "profil:"),
      to: "broken.yaml")
    try await tell("validate", "-f", world.scratch("broken.yaml"))
    try world.scratch.remove("broken.yaml")
  }

  /// A service whose arguments, environment and status are looked at while it works; a dump of its core is not written.
  private func serve(_ world: World, _ environment: [String: String], _ told: inout [Program]) async throws {
    let service = try await world.startService("-v", environment: environment)
    told.append(service)
    try world.makeTree("more", ["a": "1"])
    #expect(await service.line(containing: "run done") != nil, "\(service.transcript)")
    let arguments = try Data(contentsOf: URL(filePath: "/proc/\(service.pid)/cmdline"))
    try world.scratch.write(Array(arguments), toBytes: Array("arguments".utf8))
    told.append(try await world.run("runs", "--json"))
    told.append(try world.start("cancel", "nothing"))
    let limits = try String(contentsOfFile: "/proc/\(service.pid)/limits", encoding: .utf8)
    let core = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
    #expect(core?.split(whereSeparator: \.isWhitespace).dropFirst(4).first.flatMap { Int($0) } ?? 2 <= 1, "\(limits)")
    service.signal(SIGTERM)
    #expect(await service.end() != nil)
  }

  private func expectNowhere(_ world: World, _ told: [Program]) throws {
    let canaries = [Self.secret, Self.token].map { Data($0.utf8) }
    #expect(told.contains { $0.transcript.contains("x-amz-security-token: ***") }, "no server has said it again")
    #expect(told.count > 25 && world.scratch.lines("dump").count > 100)
    for program in told {
      for canary in canaries {
        #expect(Data(program.transcript.utf8).range(of: canary) == nil, "\(program.transcript)")
      }
    }
    let files = try world.scratch.files(below: ".").map { String(decoding: $0, as: UTF8.self) }
    #expect(files.contains("state/ledger.sqlite") && files.contains("dump"))
    for file in files where !Self.allowed.contains(file) {
      let content = Data(world.scratch.read(file) ?? [])
      for canary in canaries { #expect(content.range(of: canary) == nil, "\(file)") }
    }
  }
}

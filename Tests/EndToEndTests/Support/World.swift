import Foundation
import Glibc
import SlipwayModel
import Testing

@testable import TestSupport

/// Everything of one test: a directory, a bucket, a workflow file, and the processes that it started.
final class World: Sendable {
  /// Where objects go.
  enum Server {
    /// The real one where there is one.
    case any
    /// One that fails by these rules.
    case scripted([FaultRule])
    /// None: for what goes to a directory, or nowhere.
    case none
  }

  static let limit = Duration.seconds(60)
  /// For thousands of files on a machine that is busy with other tests.
  static let bulkLimit = Duration.seconds(300)
  /// In front of a program of root, who reads and writes everything by two capabilities: without them the permission bits
  /// count for root, too. Empty for anybody else.
  static let withoutPrivilege: [String] = {
    let capabilities = "-dac_override,-dac_read_search"
    return geteuid() == 0 ? ["/usr/bin/setpriv", "--bounding-set", capabilities, "--inh-caps", capabilities] : []
  }()

  let scratch: Scratch
  let reader: S3Reader
  let bucket: String
  /// nil where the real server is used.
  let scripted: ScriptedS3Server?

  private init(_ server: Server) async throws {
    scratch = try Scratch()
    bucket = "e2e-" + UUID().uuidString.lowercased()
    try scratch.makeDirectory("in")
    if case .none = server {
      reader = S3Reader(endpoint: "http://127.0.0.1:1", accessKeyID: "AKIANOBODY", secretAccessKey: "nobodys+secret")
      scripted = nil
      return
    }
    if case .any = server, let real = S3Reader.realServer {
      (reader, scripted) = (real, nil)
    } else {
      var rules: [FaultRule] = []
      if case .scripted(let given) = server { rules = given }
      let made = try ScriptedS3Server(rules: rules)
      scripted = made
      reader = S3Reader(
        endpoint: made.endpoint, accessKeyID: made.keys.accessKeyID, secretAccessKey: made.keys.secretAccessKey)
    }
    try await reader.makeBucket(bucket)
  }

  /// Runs `body` with a world of its own, and ends its processes whatever happens.
  static func with(_ server: Server = .any, _ body: (World) async throws -> Void) async throws {
    let world = try await World(server)
    do {
      try await body(world)
    } catch {
      await world.end()
      throw error
    }
    await world.end()
  }

  private let programs = Guarded<[Program]>([])

  private func end() async {
    for program in programs.value { await program.destroy() }
    endHooks()
    scripted?.stop()
    for program in programs.value {
      #expect(!program.transcript.contains(reader.secretAccessKey), "the secret key was told")
    }
  }

  /// Hooks have a session of their own, and outlive a service that was killed: their environment names the tree.
  private func endHooks() {
    let mine = Array(scratch.path.utf8)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      // A process that has gone meanwhile, or is another user's, has no environment to read.
      guard let pid = pid_t(name), let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ"),
        environment.range(of: Data(mine)) != nil, pid != getpid()
      else { continue }
      kill(pid, SIGKILL)
    }
  }

  /// Whether a process is there and has not ended; an orphan's zombie may stay where nobody reaps.
  static func isRunning(_ pid: pid_t) -> Bool {
    // No such file: no such process.
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
    return stat.split(separator: ")").last?.split(separator: " ").first != "Z"
  }

  /// The bucket as `store`, and the directory `outbox` as `copy`.
  func destinations(secret: String? = nil, bucket: String? = nil) -> String {
    """
    destinations:
      store:
        type: s3
        bucket: \(bucket ?? self.bucket)
        prefix: pre/
        region: us-east-1
        endpoint: \(reader.endpoint)
        credentials: { access_key_id: \(reader.accessKeyID), secret_access_key: '\(secret ?? reader.secretAccessKey)' }
      copy: { type: directory, path: ./outbox }

    """
  }

  /// Writes the workflow file with one workflow, `w`, of trees below `in`; `lines` are its further keys.
  func configure(
    _ lines: String = "", to names: String = "[store, copy]", ready: String = "{ marker: .ready }",
    settings: String = "", destinations: String? = nil
  ) throws {
    let further = lines.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)\n" }.joined()
    let retry = lines.contains("retry:") ? "" : "    retry: { attempts: 2, backoff: 10ms..20ms, defer: 100ms }\n"
    try scratch.write(
      """
      version: 1
      settings: { state_dir: ./state\(settings.isEmpty ? "" : ", " + settings) }
      \(destinations ?? self.destinations())workflows:
        w:
          watch: ./in
          ready: \(ready)
          destinations: \(names)
          started: ./started
      \(retry)\(further)
      """, to: "workflows.yaml")
  }

  /// Writes files into a tree below `in`, and then its marker.
  func makeTree(_ name: String, _ files: [String: String], ready: Bool = true) throws {
    for (path, content) in files { try scratch.write(content, to: "in/\(name)/\(path)") }
    if files.isEmpty { try scratch.makeDirectory("in/\(name)") }
    if ready { try scratch.write("", to: "in/\(name)/.ready") }
  }

  /// Starts slipway in the test's directory. `wrapper` stands in front of the program.
  func start(_ arguments: String..., wrapper: [String] = [], environment: [String: String] = [:]) throws -> Program {
    try start(arguments, wrapper: wrapper, environment: environment)
  }

  private func start(_ arguments: [String], wrapper: [String], environment: [String: String]) throws -> Program {
    let binary = try #require(SlipwayBinary.path)
    return try start(program: wrapper + [binary] + arguments, environment: environment)
  }

  private func start(program arguments: [String], environment: [String: String]) throws -> Program {
    let fixed = [
      "AWS_EC2_METADATA_DISABLED": "true", "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": scratch.path,
      "LANG": "C.UTF-8", "NO_COLOR": "1", "XDG_STATE_HOME": scratch("state-home"),
    ]
    let program = try Program(
      Program.Launch(arguments, environment: fixed.merging(environment) { $1 }, directory: scratch.path))
    programs.change { $0.append(program) }
    return program
  }

  /// Starts another program in the test's directory, in the same environment.
  func startProgram(_ arguments: [String], environment: [String: String] = [:]) throws -> Program {
    try start(program: arguments, environment: environment)
  }

  /// Starts the service, and returns once its watches are live.
  func startService(_ options: String..., environment: [String: String] = [:]) async throws -> Program {
    if scratch.exists("started") { try scratch.remove("started") }
    let program = try start(["run"] + options, wrapper: [], environment: environment)
    let isLive = await eventually { program.hasEnded || self.scratch.exists("started") }
    #expect(isLive && !program.hasEnded, "\(program.transcript)")
    return program
  }

  /// Runs slipway to its end, which must be this exit code.
  @discardableResult
  func run(
    _ arguments: String..., expecting code: Int32 = 0, wrapper: [String] = [], environment: [String: String] = [:],
    upTo limit: Duration = World.limit, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Program {
    let program = try start(arguments, wrapper: wrapper, environment: environment)
    try await program.expectEnd(.exited(code), upTo: limit, sourceLocation: sourceLocation)
    return program
  }

  @discardableResult
  func run(
    _ arguments: [String], expecting code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Program {
    let program = try start(arguments, wrapper: [], environment: [:])
    try await program.expectEnd(.exited(code), sourceLocation: sourceLocation)
    return program
  }

  /// The keys in the bucket, as text where it is.
  func keys() async throws -> [String] {
    try await reader.keys(bucket).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The files in the directory destination.
  func copies() throws -> [String] {
    guard scratch.exists("outbox") else { return [] }
    return try scratch.files(below: "outbox").map { String(decoding: $0, as: UTF8.self) }
  }

  /// How often a key of this ending was sent to the scripted server, answered or not.
  func putCount(_ suffix: String = "") -> Int {
    scripted?.requests.count { $0.method == "PUT" && !$0.key.isEmpty && $0.keyText.hasSuffix(suffix) } ?? 0
  }
}

typealias SourceLocation = Testing.SourceLocation

/// A value behind a lock.
final class Guarded<Value: Sendable>: Sendable {
  private let storage: NSLock
  // Guarded by `storage` in every access.
  private nonisolated(unsafe) var content: Value

  init(_ value: Value) {
    (storage, content) = (NSLock(), value)
  }

  var value: Value { storage.withLock { content } }

  func change(_ body: (inout Value) -> Void) { storage.withLock { body(&content) } }
}

/// Returns once `isDone` holds; false when `limit` has passed. For what another process does to files, of which nobody
/// tells us.
func eventually(upTo limit: Duration = World.limit, _ isDone: @Sendable () -> Bool) async -> Bool {
  let deadline = ContinuousClock.now + limit
  var pause = Duration.milliseconds(5)
  while !isDone() {
    if ContinuousClock.now > deadline { return false }
    // A test that is cancelled asks once more and is done.
    try? await Task.sleep(for: pause)
    // What takes long may be much to look at.
    pause = min(pause * 2, .milliseconds(200))
  }
  return true
}

extension Program {
  /// The program has ended so; its output stands beside a failure.
  func expectEnd(
    _ expected: Ending, upTo limit: Duration = World.limit, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let ending = await end(upTo: limit)
    #expect(ending == expected, "\(transcript)", sourceLocation: sourceLocation)
  }
}

extension Trait where Self == ConditionTrait {
  /// The tests of a package that is built in parts go without the program.
  static var needsBinary: Self { .enabled(if: SlipwayBinary.exists, "slipway has not been built") }
}

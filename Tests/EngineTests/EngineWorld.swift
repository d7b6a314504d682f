import LocalFiles
import Logging
import PatternMatching
import SlipwayModel
import Synchronization
import TestSupport

@testable import Engine

/// One workflow on a real directory, with everything else in memory: what a test of the engine needs.
final class EngineWorld: Sendable {
  static let location = SourceLocation(file: "test.yaml", line: 1, column: 1)

  let directory: TemporaryDirectory
  let ledger = InMemoryLedger()
  let stores: [DestinationName: InMemoryStore]
  let hooks = ScriptedHookRunner()
  let clock: ManualClock
  let events = ScriptedEventSource()
  let files: FaultyFiles
  let log = LogLines()
  let workflow: Mutex<Workflow>
  /// Beside that one.
  let others = Mutex<[Workflow]>([])
  /// For the processes that start from now on.
  let settings = Mutex(Settings())
  /// Destinations that are not as the world makes them.
  let destinations = Mutex<[DestinationName: Destination]>([:])
  /// When the machine was started, for the processes that start from now on.
  let machineStarted = Mutex(Timestamp(nanoseconds: .min))

  init(
    destinations: [String] = ["a"], keepsEqual: Bool = false, now: Timestamp? = nil,
    gate: (@Sendable (ObjectKey) async -> Void)? = nil
  ) throws {
    clock = now.map { ManualClock(now: $0) } ?? ManualClock()
    directory = try TemporaryDirectory()
    try directory.makeDirectory(BytePath("in"))
    files = FaultyFiles(
      LocalTreeFiles(
        roots: [
          directory.path("in"), directory.path("other"), directory.path("working"), directory.path("working-v"),
        ]))
    stores = Dictionary(
      uniqueKeysWithValues: destinations.map {
        (DestinationName($0), InMemoryStore(keepsEqual: keepsEqual, gate: gate))
      })
    workflow = Mutex(
      Workflow(
        name: WorkflowName("w"), location: Self.location,
        watch: [WatchDirectory(path: directory.path("in"), location: Self.location)],
        intake: .marker(BytePath(".ready")), destinations: destinations.map { DestinationName($0) },
        retry: RetryPolicy(attempts: 3)))
  }

  /// Changes the workflow for the processes that start from now on.
  func set(_ change: (inout Workflow) -> Void) {
    workflow.withLock { change(&$0) }
  }

  func tree(_ name: String) -> TreeID {
    TreeID(workflow: WorkflowName("w"), watch: directory.path("in"), name: BytePath(name))
  }

  /// Writes files below the watched directory, then the marker.
  func makeReady(_ name: String, _ files: [String: String]) throws {
    for (file, content) in files { try directory.write(content, to: "in/\(name)/\(file)") }
    try directory.write("", to: "in/\(name)/.ready")
  }

  func store(_ name: String = "a") -> InMemoryStore {
    guard let store = stores[DestinationName(name)] else { preconditionFailure("no store \(name)") }
    return store
  }

  func keys(_ name: String = "a") -> [String] {
    store(name).objects.keys.sorted().map(\.description)
  }

  var configuration: Configuration {
    let workflows = [workflow.withLock { $0 }] + self.others.withLock { $0 }
    let others = destinations.withLock { $0 }
    return Configuration(
      settings: settings.withLock { $0 },
      destinations: Dictionary(
        uniqueKeysWithValues: Set(workflows.flatMap(\.destinations)).map {
          let usual = Destination(
            name: $0, location: Self.location, prefix: [], kind: .directory(BytePath("/nowhere")))
          return ($0, others[$0] ?? usual)
        }), workflows: workflows)
  }

  /// A process, or what comes after `earlier` in one: `run --once` unless told otherwise, with waits that are over at
  /// once, unless the clock stands still; the first of them once `turnsAfter` has returned.
  @discardableResult
  func process(
    mode: Orchestrator.Mode = .once, after earlier: Orchestrator.Summary = Orchestrator.Summary(),
    ledger: (any Ledger)? = nil, standsStill: Bool = false,
    during: (Orchestrator) async -> Void = { _ in }, turnsAfter: @escaping @Sendable () async -> Void = {}
  ) async throws -> Orchestrator.Summary {
    let orchestrator = try Orchestrator(
      configuration, after: earlier, ports: try ports(ledger ?? self.ledger), mode: mode,
      logger: log.logger, meter: TransferMeter())
    let clock = clock
    let turning = Task {
      await turnsAfter()
      while !Task.isCancelled, !standsStill {
        clock.advanceToNextDeadline()
        await Task.yield()
      }
    }
    async let summary = orchestrator.run()
    await during(orchestrator)
    let result = await summary
    turning.cancel()
    return result
  }

  func ports(_ ledger: any Ledger) throws -> EnginePorts {
    EnginePorts(
      files: files, runFiles: LocalRunFiles(state: directory.path("state")),
      events: events, stores: stores.mapValues { $0 as any ObjectStore }, ledger: ledger, hooks: hooks,
      patterns: PCRE2Compiler(), clock: clock, fileExecutor: try FileThreads(count: 2),
      environment: ["PATH": Array("/bin".utf8), "AWS_SECRET_ACCESS_KEY": Array("canary".utf8)], host: "host",
      machineStarted: machineStarted.withLock { $0 })
  }

  func latest(_ name: String) async throws -> Run? {
    try await ledger.latestRun(of: tree(name))
  }
}

extension Hook {
  /// A hook with this program and nothing else said.
  static func named(_ name: String, when condition: Condition = .success) -> Hook {
    Hook(command: .program(BytePath(name), arguments: []), location: EngineWorld.location, condition: condition)
  }
}

/// A ledger whose process dies after so many commits: from then on nothing is kept.
actor DyingLedger: LedgerLayer {
  let kept: any Ledger
  private var commitsLeft: Int

  init(_ kept: any Ledger, commits: Int) {
    self.kept = kept
    commitsLeft = commits
  }

  var hasDied: Bool { commitsLeft < 0 }

  func commit(_ changes: [LedgerChange]) async throws(Failure) {
    commitsLeft -= 1
    guard commitsLeft >= 0 else { throw Failure(.fatal, "write", "the ledger", cause: "the process died") }
    try await kept.commit(changes)
  }
}

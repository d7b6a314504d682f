import GRDB
import SlipwayModel

/// What the ledger says of one workflow now.
package struct WorkflowStatus: Sendable, Hashable {
  package let workflow: WorkflowName
  /// Runs that neither wait nor are yet to begin, the oldest first.
  package var underWay = Group()
  package var ready = Group()
  /// The first to go on first.
  package var waiting = Group()
  /// Those that are the latest of their trees, the newest first.
  package var failed = Group()
  /// Since the time that was asked for, the latest first.
  package var done = Group()

  /// Runs of one kind: how many, and the first of them.
  package struct Group: Sendable, Hashable {
    package var count = 0
    package var runs: [Run] = []

    package init() {}
  }

  package init(_ workflow: WorkflowName) {
    self.workflow = workflow
  }
}

/// The rows behind a `WorkflowStatus`.
enum StatusRows {
  private static let isLatest = "r.number = (SELECT max(number) FROM runs WHERE tree = r.tree)"

  static func all(doneSince start: Timestamp, limit: Int, in database: Database) throws -> [WorkflowStatus] {
    var known: [WorkflowName: WorkflowStatus] = [:]
    try count(&known, start, database)
    return try known.values.sorted { $0.workflow < $1.workflow }.map { status in
      var status = status
      try list(&status, start, limit, database)
      return status
    }
  }

  private static func count(
    _ known: inout [WorkflowName: WorkflowStatus], _ start: Timestamp, _ database: Database
  ) throws {
    let unfinished = """
      SELECT t.workflow, CASE WHEN r.state IN ('ready', 'waiting') THEN r.state ELSE 'under way' END, count(*)
      FROM runs r INDEXED BY unfinished_runs CROSS JOIN trees t ON t.number = r.tree
      WHERE \(RunRows.isUnfinished) GROUP BY 1, 2
      """
    let ended = """
      SELECT t.workflow, r.state, count(*) FROM runs r CROSS JOIN trees t ON t.number = r.tree
      WHERE r.state = 'done' AND r.updated >= ? OR r.state = 'failed' AND \(isLatest) GROUP BY 1, 2
      """
    let rows: [(String, String, Int)] =
      try database.cachedStatement(sql: unfinished).all { ($0.column(0), $0.column(1), $0.column(2)) }
      + database.cachedStatement(sql: ended).all(with: start.nanoseconds) {
        ($0.column(0), $0.column(1), $0.column(2))
      }
    for (name, kind, count) in rows {
      let name = WorkflowName(name)
      known[name, default: WorkflowStatus(name)][keyPath: group(of: kind)].count = count
    }
  }

  private static func group(of kind: String) -> WritableKeyPath<WorkflowStatus, WorkflowStatus.Group> {
    switch kind {
    case "ready": \.ready
    case "waiting": \.waiting
    case "failed": \.failed
    case "done": \.done
    default: \.underWay
    }
  }

  private static func list(
    _ status: inout WorkflowStatus, _ start: Timestamp, _ limit: Int, _ database: Database
  ) throws {
    let name = status.workflow.text
    func unfinished(_ rest: String) throws -> [Run] {
      let sql = RunRows.select(
        index: "unfinished_runs", "WHERE \(RunRows.isUnfinished) AND t.workflow = ? AND \(rest) LIMIT ?")
      return try RunRows.runs(database.cachedStatement(sql: sql), with: name, limit, in: database)
    }
    status.underWay.runs = try unfinished("r.state NOT IN ('ready', 'waiting') ORDER BY r.number")
    status.ready.runs = try unfinished("r.state = 'ready' ORDER BY r.number")
    status.waiting.runs = try unfinished("r.state = 'waiting' ORDER BY r.wait_until")
    status.failed.runs = try RunRows.runs(
      database.cachedStatement(
        sql: RunRows.select(
          "WHERE t.workflow = ? AND r.state = 'failed' AND \(isLatest) ORDER BY r.number DESC LIMIT ?")),
      with: name, limit, in: database)
    status.done.runs = try RunRows.runs(
      database.cachedStatement(
        sql: RunRows.select(
          "WHERE t.workflow = ? AND r.state = 'done' AND r.updated >= ? ORDER BY r.updated DESC LIMIT ?")),
      with: name, start.nanoseconds, limit, in: database)
  }
}

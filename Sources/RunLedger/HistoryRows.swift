import GRDB
import SlipwayModel

/// What the ledger need not keep for ever: which rows those are, and how they go, a bounded number at a time.
enum HistoryRows {
  /// Of a tree whose answered marker lies there still, a failed run that is its latest can be retried: it stays.
  private static let isExpired = """
    NOT (\(RunRows.isUnfinished)) AND r.updated < ?2
    AND NOT EXISTS (SELECT 1 FROM multipart_uploads WHERE run = r.number)
    AND NOT EXISTS (SELECT 1 FROM runs o WHERE o.tree = r.tree AND o.state NOT IN ('done', 'failed', 'skipped', 'cancelled'))
    AND (r.state <> 'failed' OR t.answered_inode IS NULL
      OR EXISTS (SELECT 1 FROM runs l WHERE l.tree = r.tree AND l.number > r.number))
    """

  /// The end is where every run that is looked at has come since `time`: the later ones have, too.
  static func expired(
    before time: Timestamp, from position: Int64, limit: Int, in database: Database
  ) throws -> HistoryPage<RunID> {
    let sql = """
      SELECT r.number, r.id, r.created < ?2, \(isExpired)
      FROM runs r CROSS JOIN trees t ON t.number = r.tree WHERE r.number >= ?1 ORDER BY r.number LIMIT ?3
      """
    let rows: [(number: Int64, id: RunID, isOld: Bool, isExpired: Bool)] =
      try database.cachedStatement(sql: sql).all(with: position, time.nanoseconds, limit) { row in
        (row.column(0), RunID(row.column(1)), row.column(2), row.column(3))
      }
    let isLast = rows.count < limit || !rows.contains(where: \.isOld)
    return HistoryPage(
      elements: rows.filter(\.isExpired).map(\.id), next: isLast ? nil : rows.last.map { $0.number + 1 })
  }

  static func forgotten(from position: Int64, limit: Int, in database: Database) throws -> HistoryPage<TreeID> {
    let sql = """
      SELECT t.number, t.workflow, t.watch, t.name,
        t.answered_inode IS NULL AND NOT EXISTS (SELECT 1 FROM runs WHERE tree = t.number)
          AND NOT EXISTS (SELECT 1 FROM mirrors WHERE tree = t.number)
      FROM trees t WHERE t.number >= ? ORDER BY t.number LIMIT ?
      """
    let rows: [(number: Int64, tree: TreeID, isForgotten: Bool)] =
      try database.cachedStatement(sql: sql).all(with: position, limit) { row in
        let tree = TreeID(workflow: WorkflowName(row.column(1)), watch: row.path(2), name: row.path(3))
        return (row.column(0), tree, row.column(4))
      }
    return HistoryPage(
      elements: rows.filter(\.isForgotten).map(\.tree),
      next: rows.count < limit ? nil : rows.last.map { $0.number + 1 })
  }

  /// The run's row goes with the last of its uploads; with it go its hooks and the heads of its keys.
  static func expire(_ run: RunID, limit: Int, in database: Database) throws {
    let found: Int64? = try database.cachedStatement(
      sql: """
        SELECT r.number FROM runs r WHERE r.id = ? AND NOT (\(RunRows.isUnfinished))
          AND NOT EXISTS (SELECT 1 FROM multipart_uploads WHERE run = r.number)
        """
    ).first(with: run.text) { $0.column(0) }
    guard let number = found else { return }
    try database.cachedStatement(
      sql: """
        DELETE FROM uploads WHERE (run, path, destination) IN (
          SELECT run, path, destination FROM uploads WHERE run = ? ORDER BY path, destination LIMIT ?)
        """
    ).execute(with: number, limit)
    try database.cachedStatement(
      sql: "DELETE FROM runs WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM uploads WHERE run = ?1)"
    ).execute(with: number)
  }

  static func forget(_ trees: [TreeID], in database: Database) throws {
    var paths: [BytePath] = []
    for tree in trees {
      try database.cachedStatement(
        sql: """
          DELETE FROM trees WHERE workflow = ? AND watch = ? AND name = ? AND answered_inode IS NULL
            AND NOT EXISTS (SELECT 1 FROM runs WHERE tree = trees.number)
            AND NOT EXISTS (SELECT 1 FROM mirrors WHERE tree = trees.number)
          """
      ).execute(with: tree.workflow.text, tree.watch.bytes, tree.name.bytes)
      if database.changesCount > 0 { paths.append(tree.path) }
    }
    let workflows: [String] = try database.cachedStatement(sql: "SELECT DISTINCT workflow FROM trees").all {
      $0.column(0)
    }
    try forgetStems(of: paths.filter { try !isKnown($0, workflows, database) }, database)
  }

  /// Whether a tree of any workflow, under whatever watched directory, has this path.
  private static func isKnown(_ path: BytePath, _ workflows: [String], _ database: Database) throws -> Bool {
    let statement = try database.cachedStatement(
      sql: "SELECT 1 FROM trees WHERE workflow = ? AND watch = ? AND name = ?")
    var watch = path
    while true {
      guard let name = path.relative(to: watch) else { return false }
      for workflow in workflows {
        let found: Int? = try statement.first(with: workflow, watch.bytes, name.bytes) { $0.column(0) }
        if found != nil { return true }
      }
      if watch.parent == watch || watch.parent == .here { return false }
      watch = watch.parent
    }
  }

  /// No index leads from a path to its stems: one look at all of them for so many paths.
  private static func forgetStems(of paths: [BytePath], _ database: Database) throws {
    if paths.isEmpty { return }
    let gone = Set(paths)
    var stems: [(destination: Int64, stem: [UInt8])] = []
    let statement = try database.cachedStatement(sql: "SELECT destination, stem, path FROM stems")
    try statement.bind()
    do {
      defer { statement.stop() }
      while try statement.nextRow() {
        if gone.contains(statement.path(2)) { stems.append((statement.column(0), statement.column(1))) }
      }
    }
    for (destination, stem) in stems {
      try database.cachedStatement(sql: "DELETE FROM stems WHERE destination = ? AND stem = ?")
        .execute(with: destination, stem)
    }
  }
}

import GRDB
import SlipwayModel

/// Runs as rows, and back.
enum RunRows {
  /// The index `unfinished_runs` is made with exactly these words, and only used for them.
  static let isUnfinished =
    "r.state <> 'done' AND r.state <> 'failed' AND r.state <> 'skipped' AND r.state <> 'cancelled'"

  static func unfinished(in database: Database) throws -> [Run] {
    try runs(
      database.cachedStatement(sql: select(index: "unfinished_runs", "WHERE \(isUnfinished) ORDER BY r.number")),
      in: database)
  }

  static func run(_ id: RunID, in database: Database) throws -> Run? {
    try runs(database.cachedStatement(sql: select("WHERE r.id = ?")), with: id.text, in: database).first
  }

  static func latest(of tree: TreeID, in database: Database) throws -> Run? {
    let sql = select(
      """
      WHERE r.tree = (SELECT number FROM trees WHERE workflow = ? AND watch = ? AND name = ?)
      ORDER BY r.number DESC LIMIT 1
      """)
    return try runs(
      database.cachedStatement(sql: sql), with: tree.workflow.text, tree.watch.bytes, tree.name.bytes, in: database
    ).first
  }

  static func matching(_ filter: RunFilter, limit: Int, in database: Database) throws -> [Run] {
    let sql = select(
      """
      WHERE (?1 IS NULL OR t.workflow = ?1) AND (?2 IS NULL OR r.state = ?2)
        AND r.number < coalesce((SELECT number FROM runs WHERE id = ?3), iif(?3 IS NULL, 0x7FFFFFFFFFFFFFFF, 0))
      ORDER BY r.number DESC LIMIT ?4
      """)
    return try runs(
      database.cachedStatement(sql: sql), with: filter.workflow?.text, filter.state, filter.before?.text,
      max(0, limit), in: database)
  }

  static func select(index: String? = nil, _ rest: String) -> String {
    """
    SELECT r.number, r.id, t.workflow, t.watch, t.name, r.marker_inode, r.marker_modified, r.created, r.state,
      r.wait_stage, r.wait_until, r.wait_reason, r.is_deferral, r.outcome, r.attempt, r.failures, r.error,
      r.target_prefix, r.hook_target_prefix, r.updated, r.failed_stage
    FROM runs r \(index.map { "INDEXED BY \($0) " } ?? "")CROSS JOIN trees t ON t.number = r.tree \(rest)
    """
  }

  static func runs<each Value: SQLBindable>(
    _ statement: Statement, with values: repeat each Value, in database: Database
  ) throws -> [Run] {
    let rows: [(number: Int64, run: Run)] = try statement.all(with: repeat each values) { row in
      (row.column(0), try run(row))
    }
    let outputs = try database.cachedStatement(sql: "SELECT kind, name, value FROM hook_outputs WHERE run = ?")
    return try rows.map { row in
      var run = row.run
      try readOutput(&run.output, of: row.number, outputs)
      run.settings = try TreeSettingsRows.settings(of: row.number, in: database)
      return run
    }
  }

  private static func run(_ row: Statement) throws -> Run {
    let id = RunID(row.column(1))
    let tree = TreeID(
      workflow: WorkflowName(row.column(2)), watch: row.path(3), name: row.path(4))
    let inode: UInt64? = row.column(5)
    var run = Run(
      id: id, tree: tree, marker: inode.map { MarkerIdentity(inode: $0, modified: row.column(6)) },
      created: Timestamp(nanoseconds: row.column(7)))
    run.state = try state(row, id)
    let outcomeName: String? = row.column(13)
    run.outcome = try outcomeName.map { try outcome($0, id) }
    run.attempt = row.column(14)
    run.failures = row.column(15)
    run.error = row.column(16)
    run.targetPrefix = row.column(17)
    run.output.targetPrefix = row.column(18)
    run.updated = Timestamp(nanoseconds: row.column(19))
    let failedStage: String? = row.column(20)
    run.failedStage = try failedStage.map { try stage($0, id) }
    return run
  }

  private static func state(_ row: Statement, _ id: RunID) throws -> RunState {
    let name: String = row.column(8)
    if let state = RunState(plain: name) { return state }
    guard name == "waiting" else { throw unknown("state", name, id) }
    return .waiting(
      RunState.Waiting(
        stage: try stage(row.column(9), id), until: Timestamp(nanoseconds: row.column(10)), why: row.column(11),
        isDeferral: row.column(12)))
  }

  private static func stage(_ name: String, _ id: RunID) throws -> RunState.Stage {
    guard let stage = RunState.Stage(rawValue: name) else { throw unknown("stage", name, id) }
    return stage
  }

  private static func outcome(_ name: String, _ id: RunID) throws -> Run.Outcome {
    guard let outcome = Run.Outcome(rawValue: name) else { throw unknown("outcome", name, id) }
    return outcome
  }

  private static func readOutput(_ output: inout HookOutput, of run: Int64, _ statement: Statement) throws {
    try statement.bind(run)
    defer { statement.stop() }
    while try statement.nextRow() {
      let kind: String = statement.column(0)
      let name: String = statement.column(1)
      if kind == "tag" { output.tags[name] = statement.column(2) } else { output.metadata[name] = statement.column(2) }
    }
  }

  private static func unknown(_ what: String, _ value: String, _ id: RunID) -> SQLiteError {
    SQLiteError(code: SQLiteError.corrupt, text: "run \(id) has the unknown \(what) '\(escaped(value.utf8))'")
  }
}

extension RunRows {
  /// nil if there is no such run.
  static func number(of run: RunID, in database: Database) throws -> Int64? {
    try database.cachedStatement(sql: "SELECT number FROM runs WHERE id = ?").first(with: run.text) { $0.column(0) }
  }

  /// Replaces the run's row in place. Without RETURNING, for which SQLite makes a table of its own each time.
  static func update(_ run: Run, number: Int64, in database: Database) throws {
    try database.cachedStatement(sql: update).execute(
      with: run.marker?.inode, run.marker?.modified, run.state.name, run.state.waiting?.stage.rawValue,
      run.state.waiting?.until.nanoseconds, run.state.waiting?.why, run.state.waiting?.isDeferral,
      run.outcome?.rawValue, run.attempt, run.failures, run.error, run.targetPrefix, run.output.targetPrefix,
      run.updated.nanoseconds, run.failedStage?.rawValue, number)
  }

  static func deleteParts(of run: Int64, in database: Database) throws {
    try database.cachedStatement(sql: "DELETE FROM hook_outputs WHERE run = ?").execute(with: run)
    try TreeSettingsRows.delete(of: run, in: database)
  }

  /// What stands in rows of their own; false if there is nothing.
  static func insertParts(of run: Run, number: Int64, in database: Database) throws -> Bool {
    let hasOutput = !run.output.tags.isEmpty || !run.output.metadata.isEmpty
    if hasOutput { try insert(run.output, of: number, in: database) }
    if run.settings == TreeSettings() { return hasOutput }
    try TreeSettingsRows.insert(run.settings, of: number, in: database)
    return true
  }

  /// Its number.
  static func insert(_ run: Run, tree: Int64, in database: Database) throws -> Int64 {
    try database.cachedStatement(sql: insert).execute(
      with: run.id.text, tree, run.marker?.inode, run.marker?.modified, run.created.nanoseconds, run.state.name,
      run.state.waiting?.stage.rawValue, run.state.waiting?.until.nanoseconds, run.state.waiting?.why,
      run.state.waiting?.isDeferral, run.outcome?.rawValue, run.attempt, run.failures, run.error, run.targetPrefix,
      run.output.targetPrefix, run.updated.nanoseconds, run.failedStage?.rawValue
    )
    return database.lastInsertedRowID
  }

  /// A run's tree never changes, nor when it was made: the indexes of what stays need not be touched.
  private static let update = """
    UPDATE runs SET marker_inode = ?, marker_modified = ?, state = ?, wait_stage = ?, wait_until = ?, wait_reason = ?,
      is_deferral = ?, outcome = ?, attempt = ?, failures = ?, error = ?, target_prefix = ?, hook_target_prefix = ?,
      updated = ?, failed_stage = ?
    WHERE number = ?
    """

  private static let insert = """
    INSERT INTO runs (id, tree, marker_inode, marker_modified, created, state, wait_stage, wait_until, wait_reason,
      is_deferral, outcome, attempt, failures, error, target_prefix, hook_target_prefix, updated,
      failed_stage)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """

  private static func insert(_ output: HookOutput, of run: Int64, in database: Database) throws {
    let insert = try database.cachedStatement(
      sql: "INSERT INTO hook_outputs (run, kind, name, value) VALUES (?, ?, ?, ?)")
    for (name, value) in output.tags { try insert.execute(with: run, "tag", name, value) }
    for (name, value) in output.metadata { try insert.execute(with: run, "metadata", name, value) }
  }
}

extension RunState {
  /// A state that is its name and nothing more; nil for `waiting` and for what is no state.
  fileprivate init?(plain name: String) {
    let states: [RunState] = [
      .ready, .preparing, .uploading, .uploaded, .finishing, .retiring, .done, .failed, .skipped, .cancelled,
    ]
    guard let state = states.first(where: { $0.name == name }) else { return nil }
    self = state
  }

  fileprivate var waiting: Waiting? {
    if case .waiting(let waiting) = self { waiting } else { nil }
  }
}

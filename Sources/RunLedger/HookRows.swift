import GRDB
import SlipwayModel

/// Hook records as rows, and back.
enum HookRows {
  /// An update keeps the row's number, which is the order of the first starts.
  static func save(_ record: HookRecord, run: Int64, in database: Database) throws {
    let sql = """
      INSERT INTO hooks (run, phase, hook, attempt, started, ending, ending_number, ending_reason, output, seconds,
        attoseconds)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (run, phase, hook) DO UPDATE SET attempt = excluded.attempt, started = excluded.started,
        ending = excluded.ending, ending_number = excluded.ending_number, ending_reason = excluded.ending_reason,
        output = excluded.output, seconds = excluded.seconds, attoseconds = excluded.attoseconds
      """
    let ending = record.result.map { columns(of: $0.ending) }
    let duration = record.result?.duration.components
    try database.cachedStatement(sql: sql).execute(
      with: run, record.phase.rawValue, record.hook, record.attempt, record.started.nanoseconds, ending?.name,
      ending?.number, ending?.reason, record.result?.output, duration?.seconds, duration?.attoseconds)
  }

  static func records(of run: RunID, in database: Database) throws -> [HookRecord] {
    let sql = """
      SELECT phase, hook, attempt, started, ending, ending_number, ending_reason, output, seconds, attoseconds
      FROM hooks WHERE run = (SELECT number FROM runs WHERE id = ?) ORDER BY number
      """
    return try database.cachedStatement(sql: sql).all(with: run.text) { row in
      let phase: String = row.column(0)
      guard let phase = Hook.Phase(rawValue: phase) else { throw unknown("phase", phase, run) }
      return HookRecord(
        run: run, phase: phase, hook: row.column(1), attempt: row.column(2),
        started: Timestamp(nanoseconds: row.column(3)), result: try result(row, run))
    }
  }

  private static func result(_ row: Statement, _ run: RunID) throws -> HookResult? {
    let name: String? = row.column(4)
    guard let name else { return nil }
    return HookResult(
      ending: try ending(name, row, run), output: row.column(7),
      duration: Duration(secondsComponent: row.column(8), attosecondsComponent: row.column(9)))
  }

  private static func ending(_ name: String, _ row: Statement, _ run: RunID) throws -> HookResult.Ending {
    let number: Int64 = row.column(5)
    return switch name {
    case "exited": .exited(Int32(truncatingIfNeeded: number))
    case "signalled": .signalled(Int32(truncatingIfNeeded: number))
    case "timed out": .timedOut
    case "cancelled": .cancelled
    case "could not start": .couldNotStart(row.column(6))
    default: throw unknown("ending", name, run)
    }
  }

  private static func columns(of ending: HookResult.Ending) -> (name: String, number: Int64?, reason: String?) {
    switch ending {
    case .exited(let code): ("exited", Int64(code), nil)
    case .signalled(let signal): ("signalled", Int64(signal), nil)
    case .timedOut: ("timed out", nil, nil)
    case .cancelled: ("cancelled", nil, nil)
    case .couldNotStart(let reason): ("could not start", nil, reason)
    }
  }

  private static func unknown(_ what: String, _ value: String, _ run: RunID) -> SQLiteError {
    SQLiteError(
      code: SQLiteError.corrupt, text: "a hook of run \(run) has the unknown \(what) '\(escaped(value.utf8))'")
  }
}

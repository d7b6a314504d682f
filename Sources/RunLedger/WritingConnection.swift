import GRDB
import GRDBSQLite
import SlipwayModel

/// The one connection that writes, in the process that holds the lock on the state directory.
final class WritingConnection: LedgerConnection {
  /// Held until the connection is closed: its lock is what keeps a second writer away.
  private let directory: StateDirectory
  private let queue: DatabaseQueue
  private let writer = ChangeWriter()
  /// Whether a commit waits for the disk; see `setSyncsCommits(_:_:)`.
  private var syncsCommits = true
  /// The first error that made a record impossible: after it nothing may be recorded, hence nothing be done.
  private var failure: Failure?

  init(_ directory: StateDirectory) throws(Failure) {
    self.directory = directory
    let file = directory.ledger
    do {
      try LedgerFile.makeIfMissing(file)
      queue = try DatabaseQueue(path: file.text, configuration: Self.configuration)
      try queue.inDatabase { database in
        try LedgerSchema.migrate(database, at: file)
        try Self.prepare(database, file)
      }
    } catch {
      throw ledgerFailure(error, "open", file)
    }
  }

  static var configuration: GRDB.Configuration {
    var configuration = GRDB.Configuration()
    configuration.label = "ledger"
    // A verb that opens the file beside us may hold it for a moment while it reads the log's index.
    configuration.busyMode = .timeout(5)
    return configuration
  }

  private static func prepare(_ database: Database, _ file: BytePath) throws {
    let mode: String? = try database.makeStatement(sql: "PRAGMA journal_mode = WAL").first { $0.column(0) }
    guard mode == "wal" else {
      throw Failure(
        .fatal, "open", "the ledger \(file)", code: "NoWAL",
        cause: "its file system cannot do write-ahead logging", remedy: "put the state directory on a local disk")
    }
    // FULL: each commit waits for the log's fsync. Savepoints keep the pages that they may have to restore in memory,
    // not in a file. The log is cut to 4 MiB when it starts over. Rows come in order, so that few pages are wanted again.
    try database.execute(
      sql: """
        PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304;
        PRAGMA cache_size = -\(pageCacheSize)
        """)
  }

  /// In KiB; twice what a commit of 512 uploads makes dirty.
  private static let pageCacheSize = 512

  func commit(_ groups: [[LedgerChange]]) -> [Result<Void, Failure>] {
    if let failure { return groups.map { _ in .failure(failure) } }
    do {
      return try queue.inDatabase { try commit(groups, $0) }
    } catch {
      let failure = ledgerFailure(error, "write", directory.ledger)
      self.failure = failure
      return groups.map { _ in .failure(failure) }
    }
  }

  private func commit(_ groups: [[LedgerChange]], _ database: Database) throws -> [Result<Void, Failure>] {
    try setSyncsCommits(groups.contains { $0.contains(where: \.needsSync) }, database)
    var isOpen = false
    defer { if isOpen { rollBack(database) } }
    try database.cachedStatement(sql: "BEGIN IMMEDIATE").execute()
    isOpen = true
    let results = try apply(groups, database)
    // One caller alone has no savepoint: nothing of its changes may stay.
    if case .failure = results.first, groups.count == 1 { return results }
    try database.cachedStatement(sql: "COMMIT").execute()
    isOpen = false
    return results
  }

  /// SQLite syncs the log as a whole, so a synced commit takes those before it along. The pragma acts where it is
  /// compiled, so it is not a statement to keep, and it cannot be changed inside a transaction.
  private func setSyncsCommits(_ isNeeded: Bool, _ database: Database) throws {
    guard isNeeded != syncsCommits else { return }
    let code = sqlite3_exec(
      database.sqliteConnection, "PRAGMA synchronous = \(isNeeded ? "FULL" : "NORMAL")", nil, nil, nil)
    guard code == SQLITE_OK else { throw SQLiteError(code, connection: database.sqliteConnection) }
    syncsCommits = isNeeded
  }

  private func apply(_ groups: [[LedgerChange]], _ database: Database) throws -> [Result<Void, Failure>] {
    var results: [Result<Void, Failure>] = []
    for changes in groups {
      if groups.count > 1 { try database.cachedStatement(sql: "SAVEPOINT caller").execute() }
      do {
        for change in changes { try writer.apply(change, database) }
        results.append(.success(()))
      } catch let refusal as Failure {
        results.append(.failure(refusal))
        writer.forgetNumbers()
        if groups.count > 1 { try database.cachedStatement(sql: "ROLLBACK TO caller").execute() }
      }
      if groups.count > 1 { try database.cachedStatement(sql: "RELEASE caller").execute() }
    }
    return results
  }

  private func rollBack(_ database: Database) {
    writer.forgetNumbers()
    // An error has been told already, and SQLite rolls back by itself for most of them.
    _ = sqlite3_exec(database.sqliteConnection, "ROLLBACK", nil, nil, nil)
  }

  func read<Value>(_ body: (Database) throws -> Value) -> Result<Value, Failure> {
    do {
      return .success(try queue.inDatabase(body))
    } catch {
      let failure = ledgerFailure(error, "read", directory.ledger)
      if SQLiteError(error)?.isCorruption == true { self.failure = self.failure ?? failure }
      return .failure(failure)
    }
  }

  func close() {
    // What could not be moved from the log into the file stays in the log, which the next start reads.
    try? queue.close()
    directory.unlock()
  }
}

extension LedgerChange {
  /// Whether the next effect may depend on it: an upload or a part whose row is lost is only sent again, and history
  /// that comes back is removed again.
  fileprivate var needsSync: Bool {
    switch self {
    case .uploads, .mirrored, .part, .expire, .forgetTrees: false
    default: true
    }
  }
}

/// Any error of opening, reading or writing as the port tells it.
func ledgerFailure(_ error: any Error, _ operation: String, _ file: BytePath) -> Failure {
  if let failure = error as? Failure { return failure }
  if let error = SQLiteError(error) { return error.failure(operation, file) }
  return Failure(.fatal, operation, "the ledger \(file)", cause: "\(error)")
}

extension Statement {
  /// Carries out a statement without values.
  fileprivate func execute() throws(SQLiteError) {
    try bind()
    while try nextRow() {}
  }
}

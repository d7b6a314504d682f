import GRDBSQLite
import Glibc

/// Names that are too many to be sorted in memory: a temporary SQLite table, which lies in a file without a name (below
/// SQLITE_TMPDIR, TMPDIR or /var/tmp: see "Temporary Files Used By SQLite") and is gone with its process. For one thread
/// at a time.
final class NameTable {
  private let connection: OpaquePointer
  /// Inserts, and once that is over, reads in order.
  private var statement: OpaquePointer?
  /// The name that was told last.
  private var name: UnsafeMutablePointer<CChar>?
  private var capacity = 0

  /// Memory for pages and for sorting, in KiB: SQLite writes out what is more.
  private static let setup = """
    PRAGMA page_size = 4096; PRAGMA cache_size = -1024; PRAGMA temp_store = FILE;
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE names (name BLOB NOT NULL, type INTEGER NOT NULL); BEGIN
    """

  /// What the file may take, in bytes: some ten million names.
  static let sizeMax: Int64 = 4 << 30

  init(sizeMax: Int64 = NameTable.sizeMax) throws(ErrorNumber) {
    var opened: OpaquePointer?
    // The empty name: a temporary database on disk (sqlite3_open(3)).
    let code = sqlite3_open_v2("", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nil)
    guard let connection = opened else { throw ErrorNumber(ENOMEM) }
    self.connection = connection
    if code != SQLITE_OK { throw Self.error(code, connection) }
    try execute(Self.setup)
    try execute("PRAGMA max_page_count = \(max(2, sizeMax / 4096))")
    try prepare("INSERT INTO names VALUES (?, ?)")
  }

  deinit {
    sqlite3_finalize(statement)
    sqlite3_close(connection)
    free(name)
  }

  /// `name` is as a `NameBlock` holds it: a directory's ends in a slash.
  func append(_ name: UnsafePointer<CChar>, _ type: DirectoryReader.EntryType) throws(ErrorNumber) {
    sqlite3_bind_blob(statement, 1, name, Int32(strlen(name)), nil)
    sqlite3_bind_int(statement, 2, Int32(type.rawValue))
    let code = sqlite3_step(statement)
    sqlite3_reset(statement)
    if code != SQLITE_DONE { throw Self.error(code, connection) }
  }

  /// Everything is in; from here on only `next` is called. Nothing is sorted before its first call.
  func sort() throws(ErrorNumber) {
    try execute("COMMIT")
    // Blobs compare by memcmp(3), a shorter one first.
    try prepare("SELECT name, type FROM names ORDER BY name")
  }

  /// The next name and its type; nil at the end. The name is valid until the next call.
  func next() throws(ErrorNumber) -> (name: UnsafeMutablePointer<CChar>, type: DirectoryReader.EntryType)? {
    switch sqlite3_step(statement) {
    case SQLITE_ROW:
      let type = UInt8(truncatingIfNeeded: sqlite3_column_int(statement, 1))
      return (try copyName(), DirectoryReader.EntryType(rawValue: type) ?? .unknown)
    case SQLITE_DONE: return nil
    case let code: throw Self.error(code, connection)
    }
  }

  private func copyName() throws(ErrorNumber) -> UnsafeMutablePointer<CChar> {
    guard let bytes = sqlite3_column_blob(statement, 0) else { throw ErrorNumber(EIO) }
    let count = Int(sqlite3_column_bytes(statement, 0))
    if count >= capacity {
      guard let moved = realloc(name, count + 1) else { throw ErrorNumber(ENOMEM) }
      (name, capacity) = (moved.assumingMemoryBound(to: CChar.self), count + 1)
    }
    guard let name else { throw ErrorNumber(ENOMEM) }
    memcpy(name, bytes, count)
    name[count] = 0
    return name
  }

  private func execute(_ sql: String) throws(ErrorNumber) {
    let code = sqlite3_exec(connection, sql, nil, nil, nil)
    if code != SQLITE_OK { throw Self.error(code, connection) }
  }

  private func prepare(_ sql: String) throws(ErrorNumber) {
    sqlite3_finalize(statement)
    statement = nil
    let code = sqlite3_prepare_v2(connection, sql, -1, &statement, nil)
    if code != SQLITE_OK { throw Self.error(code, connection) }
  }

  /// As the system call beneath it would say.
  private static func error(_ code: Int32, _ connection: OpaquePointer) -> ErrorNumber {
    let system = sqlite3_system_errno(connection)
    return switch code & 0xFF {
    case SQLITE_FULL: ErrorNumber(ENOSPC)
    case SQLITE_NOMEM: ErrorNumber(ENOMEM)
    default: ErrorNumber(system == 0 ? EIO : system)
    }
  }
}

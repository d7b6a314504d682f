import GRDB
import GRDBSQLite
import Glibc
import SlipwayModel

/// A result code of SQLite with its words.
struct SQLiteError: Error {
  /// The extended code; its low byte is the primary one.
  let code: Int32
  let text: String

  init(code: Int32, text: String) {
    self.code = code
    self.text = text
  }

  /// What `statement` has just answered.
  init(_ code: Int32, of statement: OpaquePointer) {
    self.init(code, of: sqlite3_db_handle(statement))
  }

  /// What a call on `connection` has just answered.
  init(_ code: Int32, connection: OpaquePointer?) {
    self.init(code, of: connection)
  }

  private init(_ code: Int32, of connection: OpaquePointer?) {
    let extended = connection.map { sqlite3_extended_errcode($0) } ?? code
    var text = connection.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
    if code & 0xFF == SQLITE_IOERR, let connection, let cause = systemText(sqlite3_system_errno(connection)) {
      text += " (\(cause))"
    }
    self.init(code: extended & 0xFF == code & 0xFF ? extended : code, text: text)
  }

  /// GRDB's error in ours; nil for an error of something else.
  init?(_ error: any Error) {
    switch error {
    case let error as SQLiteError: self = error
    case let error as DatabaseError:
      self.init(code: error.extendedResultCode.rawValue, text: error.message ?? error.resultCode.description)
    default: return nil
    }
  }

  private var primary: Int32 { code & 0xFF }

  /// For rows that no Slipway has written.
  static let corrupt = SQLITE_CORRUPT

  var isCorruption: Bool { primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB }

  /// The failure that the ledger's user gets. Always fatal: what cannot be recorded must not happen.
  func failure(_ operation: String, _ path: BytePath) -> Failure {
    Failure(.fatal, operation, "the ledger \(path)", code: name, cause: text, remedy: remedy)
  }

  private var name: String {
    switch primary {
    case SQLITE_FULL: "SQLITE_FULL"
    case SQLITE_IOERR: "SQLITE_IOERR"
    case SQLITE_READONLY: "SQLITE_READONLY"
    case SQLITE_CANTOPEN: "SQLITE_CANTOPEN"
    case SQLITE_BUSY: "SQLITE_BUSY"
    case SQLITE_CORRUPT, SQLITE_NOTADB: "Corrupt"
    default: "SQLITE_\(code)"
    }
  }

  private var remedy: String {
    switch primary {
    case SQLITE_FULL: "make room on its file system and start Slipway again"
    case SQLITE_IOERR: "look for errors of the disk and start Slipway again"
    case SQLITE_READONLY, SQLITE_CANTOPEN:
      "the state directory and its files must be writable by the user who runs Slipway"
    case SQLITE_BUSY: "another program has the file open; Slipway must be the only one that writes it"
    // A read that failed (EIO) is told as a damaged file.
    case SQLITE_CORRUPT: "look for errors of the disk; if there are none, \(corruptionRemedy)"
    case SQLITE_NOTADB: corruptionRemedy
    default: ""
    }
  }
}

/// What to do about a damaged ledger; it is never made anew by itself.
let corruptionRemedy = "put a copy of it back, or move it away to begin with an empty one"

/// What errno means; nil for 0.
func systemText(_ number: Int32) -> String? {
  number == 0 ? nil : String(cString: strerror(number))
}

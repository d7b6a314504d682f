import GRDB
import GRDBSQLite
import SlipwayModel

/// What can stand for a question mark.
protocol SQLBindable {
  /// SQLite's result code.
  func bind(to statement: OpaquePointer, at index: Int32) -> Int32
}

/// Bytes that are not copied: they must stay where they are until the statement has been carried out.
struct BorrowedBytes: SQLBindable {
  let bytes: UnsafeRawBufferPointer

  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    bindBlob(bytes, to: statement, at: index, nil)
  }
}

/// What can stand in a column, bound and read without GRDB's `DatabaseValue` in between: an upload row has 15 columns,
/// and there may be a million rows.
protocol SQLValue: SQLBindable {
  init(_ statement: OpaquePointer, column: Int32)
}

extension Int64: SQLValue {
  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, self) }
  init(_ statement: OpaquePointer, column: Int32) { self = sqlite3_column_int64(statement, column) }
}

extension Int: SQLValue {
  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, Int64(self)) }
  init(_ statement: OpaquePointer, column: Int32) { self = Int(sqlite3_column_int64(statement, column)) }
}

/// By its bits: SQLite's integers are signed.
extension UInt64: SQLValue {
  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    sqlite3_bind_int64(statement, index, Int64(bitPattern: self))
  }
  init(_ statement: OpaquePointer, column: Int32) {
    self = UInt64(bitPattern: sqlite3_column_int64(statement, column))
  }
}

extension Bool: SQLValue {
  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    sqlite3_bind_int64(statement, index, self ? 1 : 0)
  }
  init(_ statement: OpaquePointer, column: Int32) { self = sqlite3_column_int64(statement, column) != 0 }
}

extension String: SQLValue {
  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    var text = self
    return text.withUTF8 { bytes in
      guard let base = bytes.baseAddress, !bytes.isEmpty else { return sqlite3_bind_text(statement, index, "", 0, nil) }
      return base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
        sqlite3_bind_text(statement, index, $0, Int32(clamping: bytes.count), copied)
      }
    }
  }
  init(_ statement: OpaquePointer, column: Int32) {
    guard let text = sqlite3_column_text(statement, column) else {
      self = ""
      return
    }
    // The length counts: text may contain NUL.
    let count = Int(sqlite3_column_bytes(statement, column))
    self = String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
  }
}

extension [UInt8]: SQLBindable, SQLValue {
  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    withUnsafeBytes { bindBlob($0, to: statement, at: index, copied) }
  }
  init(_ statement: OpaquePointer, column: Int32) {
    guard let base = sqlite3_column_blob(statement, column) else {
      self = []
      return
    }
    self = Array(UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(statement, column))))
  }
}

extension Optional: SQLBindable where Wrapped: SQLBindable {
  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    self?.bind(to: statement, at: index) ?? sqlite3_bind_null(statement, index)
  }
}

extension Optional: SQLValue where Wrapped: SQLValue {
  init(_ statement: OpaquePointer, column: Int32) {
    self = sqlite3_column_type(statement, column) == SQLITE_NULL ? nil : Wrapped(statement, column: column)
  }
}

/// SQLITE_TRANSIENT, a macro that Swift does not import: SQLite copies the bytes before the call returns.
private let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// An empty blob needs a call of its own: a null pointer would bind NULL.
private func bindBlob(
  _ bytes: UnsafeRawBufferPointer, to statement: OpaquePointer, at index: Int32, _ owner: sqlite3_destructor_type?
) -> Int32 {
  guard let base = bytes.baseAddress, !bytes.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
  return sqlite3_bind_blob64(statement, index, base, sqlite3_uint64(bytes.count), owner)
}

extension Statement {
  /// Makes the statement ready to be stepped, with these values in the order of its question marks.
  func bind<each Value: SQLBindable>(_ values: repeat each Value) throws(SQLiteError) {
    // The result of the last step, which has been told already.
    _ = sqlite3_reset(sqliteStatement)
    var index: Int32 = 0
    var code = SQLITE_OK
    for value in repeat each values {
      index += 1
      if code == SQLITE_OK { code = value.bind(to: sqliteStatement, at: index) }
    }
    if code != SQLITE_OK { throw SQLiteError(code, of: sqliteStatement) }
  }

  /// Steps to the next row; false at the end, where the statement is reset, so that it holds no lock.
  func nextRow() throws(SQLiteError) -> Bool {
    switch sqlite3_step(sqliteStatement) {
    case SQLITE_ROW: return true
    case SQLITE_DONE:
      _ = sqlite3_reset(sqliteStatement)
      return false
    case let code:
      let error = SQLiteError(code, of: sqliteStatement)
      _ = sqlite3_reset(sqliteStatement)
      throw error
    }
  }

  /// Carries the statement out with these values, rows or not.
  func execute<each Value: SQLBindable>(with values: repeat each Value) throws(SQLiteError) {
    try bind(repeat each values)
    while try nextRow() {}
  }

  /// The first row, read by `body`; nil if there is none.
  func first<Result, each Value: SQLBindable>(
    with values: repeat each Value, read body: (Statement) throws -> Result
  ) throws -> Result? {
    try bind(repeat each values)
    defer { stop() }
    return try nextRow() ? try body(self) : nil
  }

  /// All rows, each read by `body`.
  func all<Result, each Value: SQLBindable>(
    with values: repeat each Value, read body: (Statement) throws -> Result
  ) throws -> [Result] {
    try bind(repeat each values)
    defer { stop() }
    var results: [Result] = []
    while try nextRow() { results.append(try body(self)) }
    return results
  }

  /// Ends a statement that may have rows left.
  func stop() {
    // The result of the last step, which has been told already.
    _ = sqlite3_reset(sqliteStatement)
  }

  /// A column of the current row, counted from 0.
  func column<Value: SQLValue>(_ index: Int32) -> Value {
    Value(sqliteStatement, column: index)
  }
  /// A column with a name as bytes.
  func path(_ index: Int32) -> BytePath {
    BytePath(column(index) as [UInt8])
  }
}

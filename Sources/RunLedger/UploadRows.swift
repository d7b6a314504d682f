import GRDB
import GRDBSQLite
import SlipwayModel

/// Upload records as rows, and back.
enum UploadRows {
  static let save = """
    INSERT OR REPLACE INTO uploads (run, path, destination, head, key_tail, device, inode, size, modified,
      changed_after, error, is_permanent, received, etag, algorithm, checksum, is_found)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """

  /// Carries out `save` for one record.
  static func execute(
    _ statement: Statement, _ record: UploadRecord, run: Int64, destination: Int64, head: Int64, tail: [UInt8]?
  ) throws {
    let file = record.fingerprint
    let status = StatusColumns(record.status, fileSize: file.size)
    try borrow(record.path.bytes) { path in
      try borrow(status.checksum ?? []) { checksum in
        try statement.execute(
          with: run, path, destination, head, NullableCell(tail), file.device, file.inode, file.size, file.modified,
          file.changed &- file.modified, NullableCell(status.error), NullableCell(status.isPermanent),
          NullableCell(status.received), NullableCell(status.etag), NullableCell(status.algorithm),
          status.checksum == nil ? .null : NullableCell.borrowed(checksum), NullableCell(status.isFound))
      }
    }
  }

  /// What the latest earlier run of the same tree that has rows has proven becomes the run's, as found equal. One
  /// that has rows, and with them heads of their own, keeps those.
  static func inherit(_ run: Int64, in database: Database) throws {
    let earlier: Int64? = try database.cachedStatement(
      sql: """
        SELECT r.number FROM runs r WHERE r.tree = (SELECT tree FROM runs WHERE number = ?1) AND r.number < ?1
          AND NOT EXISTS (SELECT 1 FROM key_heads h WHERE h.run = ?1)
          AND EXISTS (SELECT 1 FROM uploads u WHERE u.run = r.number)
        ORDER BY r.number DESC LIMIT 1
        """
    ).first(with: run) { $0.column(0) }
    guard let earlier else { return }
    let heads = """
      INSERT INTO key_heads (run, number, bytes) SELECT ?1, number, bytes FROM key_heads WHERE run = ?2
      """
    try database.cachedStatement(sql: heads).execute(with: run, earlier)
    let rows = """
      INSERT INTO uploads (run, path, destination, head, key_tail, device, inode, size, modified,
        changed_after, received, etag, algorithm, checksum, is_found)
      SELECT ?1, path, destination, head, key_tail, device, inode, size, modified, changed_after, received, etag,
        algorithm, checksum, 1
      FROM uploads u WHERE run = ?2 AND error IS NULL
        AND NOT EXISTS (SELECT 1 FROM addresses a WHERE a.destination = u.destination AND a.latest_elsewhere >= ?2)
      """
    try database.cachedStatement(sql: rows).execute(with: run, earlier)
  }

  private static let select = """
    SELECT u.path, d.name, h.bytes, u.key_tail, u.device, u.inode, u.size, u.modified, u.changed_after, u.error,
      u.is_permanent, u.received, u.etag, u.algorithm, u.checksum, u.is_found
    FROM uploads u CROSS JOIN destinations d ON d.number = u.destination
      CROSS JOIN key_heads h ON h.run = u.run AND h.number = u.head
    WHERE u.run = (SELECT number FROM runs WHERE id = ?)
    """

  /// About `limit` records after `path`; the records of one path are not torn apart.
  static func records(
    of run: RunID, after path: BytePath?, limit: Int, in database: Database
  ) throws -> [UploadRecord] {
    // A table WITHOUT ROWID is read in the order of its key, so this sorts nothing.
    let order = " ORDER BY u.run, u.path"
    let statement = try database.cachedStatement(sql: select + (path == nil ? "" : " AND u.path > ?") + order)
    if let path { try statement.bind(run.text, path.bytes) } else { try statement.bind(run.text) }
    defer { statement.stop() }
    var records: [UploadRecord] = []
    while try statement.nextRow() {
      let record = try record(of: run, statement)
      if records.count >= limit, record.path != records.last?.path { break }
      insert(record, into: &records)
    }
    return records
  }

  /// The rows of a path come by the destinations' numbers, and are wanted by their names.
  private static func insert(_ record: UploadRecord, into records: inout [UploadRecord]) {
    var index = records.endIndex
    while index > 0, records[index - 1].path == record.path, record.destination < records[index - 1].destination {
      index -= 1
    }
    records.insert(record, at: index)
  }

  private static func record(of run: RunID, _ row: Statement) throws -> UploadRecord {
    let path: [UInt8] = row.column(0)
    let head: [UInt8] = row.column(2)
    let tail: [UInt8]? = row.column(3)
    let modified: Int64 = row.column(7)
    let file = Fingerprint(
      device: row.column(4), inode: row.column(5), size: row.column(6), modified: modified,
      changed: modified &+ row.column(8))
    let status = StatusColumns(
      error: row.column(9), isPermanent: row.column(10), received: row.column(11), etag: row.column(12),
      algorithm: row.column(13), checksum: row.column(14), isFound: row.column(15))
    return UploadRecord(
      run: run, destination: DestinationName(row.column(1)), path: BytePath(path), fingerprint: file,
      key: ObjectKey(head + (tail ?? path)), status: try status.status(fileSize: file.size))
  }

  static func counts(of run: RunID, in database: Database) throws -> [DestinationName: UploadCounts] {
    let sql = """
      SELECT d.name, count(*) FILTER (WHERE u.error IS NULL), count(u.is_found), count(u.error),
        coalesce(sum(coalesce(u.received, u.size)) FILTER (WHERE u.error IS NULL), 0)
      FROM uploads u JOIN destinations d ON d.number = u.destination
      WHERE u.run = (SELECT number FROM runs WHERE id = ?) GROUP BY d.number
      """
    let statement = try database.cachedStatement(sql: sql)
    try statement.bind(run.text)
    var counts: [DestinationName: UploadCounts] = [:]
    do {
      defer { statement.stop() }
      while try statement.nextRow() {
        counts[DestinationName(statement.column(0))] = UploadCounts(
          proven: statement.column(1), found: statement.column(2), failed: statement.column(3),
          bytes: statement.column(4))
      }
    }
    for (name, count) in counts where count.failed > 0 {
      counts[name]?.error = try firstError(of: run, at: name, in: database)
    }
    return counts
  }

  private static func firstError(
    of run: RunID, at destination: DestinationName, in database: Database
  ) throws -> String {
    let sql = """
      SELECT error FROM uploads WHERE run = (SELECT number FROM runs WHERE id = ?)
        AND destination = (SELECT number FROM destinations WHERE name = ?) AND error IS NOT NULL ORDER BY path LIMIT 1
      """
    return try database.cachedStatement(sql: sql).first(with: run.text, destination.text) { $0.column(0) } ?? ""
  }
}

/// What may be NULL, as a type of its own: an `Optional` in a list of parameters is bound by code that the compiler does
/// not specialise, and a row has eight of them.
enum NullableCell: SQLBindable {
  case null
  case integer(Int64)
  case text(String)
  case bytes([UInt8])
  case borrowed(BorrowedBytes)

  init(_ value: Int64?) { self = value.map { .integer($0) } ?? .null }
  init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .null }
  init(_ value: Bool?) { self = value.map { .integer($0 ? 1 : 0) } ?? .null }
  init(_ value: String?) { self = value.map { .text($0) } ?? .null }
  init(_ value: [UInt8]?) { self = value.map { .bytes($0) } ?? .null }

  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    switch self {
    case .null: sqlite3_bind_null(statement, index)
    case .integer(let value): value.bind(to: statement, at: index)
    case .text(let value): value.bind(to: statement, at: index)
    case .bytes(let value): value.bind(to: statement, at: index)
    case .borrowed(let value): value.bind(to: statement, at: index)
    }
  }
}

/// `UploadRecord.Status` in columns that are NULL where they can be.
struct StatusColumns {
  var error: String?
  var isPermanent: Bool?
  var received: Int64?
  var etag: String?
  var algorithm: Int?
  var checksum: [UInt8]?
  var isFound: Bool?
}

extension StatusColumns {
  init(_ status: UploadRecord.Status, fileSize: Int64) {
    switch status {
    case .failed(let error, let isPermanent):
      self.init(error: error, isPermanent: isPermanent)
    case .proven(let receipt):
      self.init(
        received: receipt.size == fileSize ? nil : receipt.size,
        // Mostly the ETag is the checksum in hexadecimal, which would be twice its size again.
        etag: isHexadecimal(receipt.etag, of: receipt.checksum?.value) ? nil : receipt.etag,
        algorithm: receipt.checksum.map { Self.number(of: $0.algorithm) }, checksum: receipt.checksum?.value,
        isFound: receipt.isSent ? nil : true)
    }
  }

  func status(fileSize: Int64) throws -> UploadRecord.Status {
    if let error { return .failed(error, isPermanent: isPermanent ?? false) }
    let proof = try algorithm.map { Checksum(algorithm: try Self.algorithm($0), value: checksum ?? []) }
    return .proven(
      PutReceipt(
        size: received ?? fileSize, etag: etag ?? proof?.hexadecimalValue ?? "", checksum: proof,
        isSent: isFound != true))
  }

  private static func number(of algorithm: Checksum.Algorithm) -> Int {
    switch algorithm {
    case .md5: 1
    case .sha256: 2
    case .crc64nvme: 3
    case .crc32c: 4
    case .md5OfParts: 5
    case .sha256OfParts: 6
    }
  }

  private static func algorithm(_ number: Int) throws -> Checksum.Algorithm {
    switch number {
    case 1: .md5
    case 2: .sha256
    case 3: .crc64nvme
    case 4: .crc32c
    case 5: .md5OfParts
    case 6: .sha256OfParts
    default: throw SQLiteError(code: SQLiteError.corrupt, text: "an upload has the unknown algorithm \(number)")
    }
  }
}

/// Whether `text` is `bytes` in lowercase hexadecimal digits; compared in place.
private func isHexadecimal(_ text: String, of bytes: [UInt8]?) -> Bool {
  guard let bytes, text.utf8.count == 2 * bytes.count else { return false }
  var digits = text.utf8.makeIterator()
  for byte in bytes {
    guard digits.next() == hexadecimalDigit(byte >> 4), digits.next() == hexadecimalDigit(byte & 15) else {
      return false
    }
  }
  return true
}

private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

private func borrow(_ bytes: [UInt8], _ body: (BorrowedBytes) throws -> Void) rethrows {
  try bytes.withUnsafeBytes { try body(BorrowedBytes(bytes: $0)) }
}

import GRDB
import SlipwayModel

/// Requests for multipart uploads of which it is not known what they have made, as rows, and back.
enum UnansweredRows {
  static func save(_ upload: UnansweredUpload, destination: Int64, in database: Database) throws {
    try database.cachedStatement(
      sql: "INSERT OR IGNORE INTO unanswered_uploads (destination, key, begun) VALUES (?, ?, ?)"
    ).execute(with: destination, upload.key.bytes, upload.begun.nanoseconds)
  }

  static func remove(_ upload: UnansweredUpload, destination: Int64, in database: Database) throws {
    try database.cachedStatement(
      sql: "DELETE FROM unanswered_uploads WHERE destination = ? AND key = ? AND begun = ?"
    ).execute(with: destination, upload.key.bytes, upload.begun.nanoseconds)
  }

  static func all(in database: Database) throws -> [UnansweredUpload] {
    let sql = """
      SELECT d.name, u.key, u.begun FROM unanswered_uploads u JOIN destinations d ON d.number = u.destination
      ORDER BY u.begun, u.key
      """
    return try database.cachedStatement(sql: sql).all { row in
      UnansweredUpload(
        destination: DestinationName(row.column(0)), key: ObjectKey(row.column(1) as [UInt8]),
        begun: Timestamp(nanoseconds: row.column(2)))
    }
  }
}

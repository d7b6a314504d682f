import GRDB
import SlipwayModel

/// Requests for multipart uploads of which it is not known what they have made, as rows, and back.
enum UnansweredRows {
  static func save(_ upload: UnansweredUpload, destination: Int64, in database: Database) throws {
    let sql = """
      INSERT INTO unanswered_uploads (destination, key, first, latest) VALUES (?, ?, ?, ?)
      ON CONFLICT (destination, key) DO UPDATE
        SET first = min(first, excluded.first), latest = max(latest, excluded.latest)
      """
    try database.cachedStatement(sql: sql).execute(
      with: destination, upload.key.bytes, upload.first.nanoseconds, upload.latest.nanoseconds)
  }

  static func remove(_ upload: UnansweredUpload, destination: Int64, in database: Database) throws {
    try database.cachedStatement(
      sql: "DELETE FROM unanswered_uploads WHERE destination = ? AND key = ? AND latest <= ?"
    ).execute(with: destination, upload.key.bytes, upload.latest.nanoseconds)
  }

  static func all(in database: Database) throws -> [UnansweredUpload] {
    let sql = """
      SELECT d.name, u.key, u.first, u.latest
      FROM unanswered_uploads u JOIN destinations d ON d.number = u.destination ORDER BY u.latest, u.key
      """
    return try database.cachedStatement(sql: sql).all { row in
      UnansweredUpload(
        destination: DestinationName(row.column(0)), key: ObjectKey(row.column(1) as [UInt8]),
        first: Timestamp(nanoseconds: row.column(2)), latest: Timestamp(nanoseconds: row.column(3)))
    }
  }
}

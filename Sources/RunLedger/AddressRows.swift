import GRDB
import SlipwayModel

/// Where the objects of destinations lie, as rows.
enum AddressRows {
  static func address(of destination: DestinationName, in database: Database) throws -> String? {
    let sql = "SELECT a.address FROM addresses a JOIN destinations d ON d.number = a.destination WHERE d.name = ?"
    return try database.cachedStatement(sql: sql).first(with: destination.text) { $0.column(0) }
  }

  /// With another address than before, what runs have proven so far is true of another place.
  static func set(_ address: String, destination: Int64, in database: Database) throws {
    let known: String? = try database.cachedStatement(sql: "SELECT address FROM addresses WHERE destination = ?")
      .first(with: destination) { $0.column(0) }
    if known == address { return }
    if known != nil { try forgetUploads(to: destination, in: database) }
    let latest = known == nil ? "0" : "(SELECT coalesce(max(number), 0) FROM runs)"
    try database.cachedStatement(
      sql: "INSERT OR REPLACE INTO addresses (destination, address, latest_elsewhere) VALUES (?, ?, \(latest))"
    ).execute(with: destination, address)
  }

  /// Of runs that go on.
  private static func forgetUploads(to destination: Int64, in database: Database) throws {
    let sql = """
      DELETE FROM uploads WHERE destination = ?
        AND run IN (SELECT r.number FROM runs r INDEXED BY unfinished_runs WHERE \(RunRows.isUnfinished))
      """
    try database.cachedStatement(sql: sql).execute(with: destination)
  }
}

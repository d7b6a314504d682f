import GRDB
import SlipwayModel

/// Trees, the markers that have been answered, and who uses which keys.
enum TreeRows {
  private static let byIdentity = "workflow = ? AND watch = ? AND name = ?"
  private static let selectNumber = "SELECT number FROM trees WHERE \(byIdentity)"

  /// The tree's number; gives it one if it has none.
  static func number(of tree: TreeID, _ database: Database) throws -> Int64 {
    let found: Int64? = try database.cachedStatement(sql: selectNumber)
      .first(with: tree.workflow.text, tree.watch.bytes, tree.name.bytes) { $0.column(0) }
    if let found { return found }
    try database.cachedStatement(sql: "INSERT INTO trees (workflow, watch, name) VALUES (?, ?, ?)")
      .execute(with: tree.workflow.text, tree.watch.bytes, tree.name.bytes)
    return database.lastInsertedRowID
  }

  static func setAnswered(_ tree: TreeID, _ marker: MarkerIdentity?, in database: Database) throws {
    let set = "SET answered_inode = ?, answered_modified = ?"
    if let marker {
      try database.cachedStatement(sql: "UPDATE trees \(set) WHERE number = ?")
        .execute(with: marker.inode, marker.modified, number(of: tree, database))
    } else {
      let none: Int64? = nil
      try database.cachedStatement(sql: "UPDATE trees \(set) WHERE \(byIdentity)")
        .execute(with: none, none, tree.workflow.text, tree.watch.bytes, tree.name.bytes)
    }
  }

  static func answeredMarker(of tree: TreeID, in database: Database) throws -> MarkerIdentity? {
    try database.cachedStatement(
      sql: "SELECT answered_inode, answered_modified FROM trees WHERE \(byIdentity) AND answered_inode IS NOT NULL"
    ).first(with: tree.workflow.text, tree.watch.bytes, tree.name.bytes) { row in
      MarkerIdentity(inode: row.column(0), modified: row.column(1))
    }
  }

  static func answered(
    _ workflow: WorkflowName, watch: BytePath, after name: BytePath?, limit: Int, in database: Database
  ) throws -> [AnsweredTree] {
    let sql = """
      SELECT name, answered_inode, answered_modified, coalesce(
          (SELECT r.state = 'failed' FROM runs r WHERE r.tree = t.number ORDER BY r.number DESC LIMIT 1), 0)
      FROM trees t WHERE workflow = ? AND watch = ? AND name \(name == nil ? ">=" : ">") ?
        AND answered_inode IS NOT NULL ORDER BY name LIMIT ?
      """
    return try database.cachedStatement(sql: sql)
      .all(with: workflow.text, watch.bytes, name?.bytes ?? [], max(0, limit)) { row in
        AnsweredTree(
          name: row.path(0), marker: MarkerIdentity(inode: row.column(1), modified: row.column(2)),
          hasFailed: row.column(3))
      }
  }

  static func setOwner(ofStem stem: ObjectKey, at destination: Int64, to path: BytePath, in database: Database) throws {
    try database.cachedStatement(sql: "INSERT OR REPLACE INTO stems (destination, stem, path) VALUES (?, ?, ?)")
      .execute(with: destination, stem.bytes, path.bytes)
  }

  static func owner(ofStem stem: ObjectKey, at destination: DestinationName, in database: Database) throws -> BytePath?
  {
    let sql = """
      SELECT s.path FROM stems s WHERE s.destination = (SELECT number FROM destinations WHERE name = ?) AND s.stem = ?
      """
    return try database.cachedStatement(sql: sql).first(with: destination.text, stem.bytes) { $0.path(0) }
  }
}

import GRDB
import SlipwayModel

/// What lies at the destinations of mirrors as rows, and back.
enum MirrorRows {
  private static let columns = """
    m.path, d.name, m.state, m.device, m.inode, m.size, m.modified, m.changed_after, m.received, m.etag, m.algorithm,
      m.checksum
    """
  private static let tables = "mirrored m CROSS JOIN destinations d ON d.number = m.destination"
  private static let ofTree = "m.tree = (SELECT number FROM trees WHERE workflow = ? AND watch = ? AND name = ?)"
  private static let ofMirror = """
    tree = (SELECT number FROM trees WHERE workflow = ? AND watch = ? AND name = ?)
      AND destination = (SELECT number FROM destinations WHERE name = ?)
    """

  // MARK: Writing

  static func setPlace(_ place: MirrorPlace, tree: Int64, destination: Int64, in database: Database) throws {
    try database.cachedStatement(
      sql: """
        DELETE FROM mirrored WHERE tree = ?1 AND destination = ?2
          AND NOT EXISTS (SELECT 1 FROM mirrors WHERE tree = ?1 AND destination = ?2 AND address = ?3)
        """
    ).execute(with: tree, destination, place.address)
    try database.cachedStatement(
      sql: "INSERT OR REPLACE INTO mirrors (tree, destination, address, is_complete) VALUES (?, ?, ?, ?)"
    ).execute(with: tree, destination, place.address, place.isComplete)
  }

  static func setRoot(_ root: DirectoryIdentity, tree: Int64, in database: Database) throws {
    try database.cachedStatement(sql: "INSERT OR REPLACE INTO mirror_roots (tree, inode, born) VALUES (?, ?, ?)")
      .execute(with: tree, root.inode, NullableCell(root.born))
  }

  static func addMount(_ path: BytePath, tree: Int64, in database: Database) throws {
    try database.cachedStatement(sql: "INSERT OR IGNORE INTO mirror_mounts (tree, path) VALUES (?, ?)")
      .execute(with: tree, path.bytes)
  }

  static func removeMounts(_ paths: [BytePath], tree: Int64, in database: Database) throws {
    let statement = try database.cachedStatement(sql: "DELETE FROM mirror_mounts WHERE tree = ? AND path = ?")
    for path in paths { try statement.execute(with: tree, path.bytes) }
  }

  static func save(_ object: MirroredObject, tree: Int64, destination: Int64, in database: Database) throws {
    let statement = try database.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO mirrored (tree, path, destination, state, device, inode, size, modified, changed_after,
          received, etag, algorithm, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    let file = object.content?.fingerprint
    let status = object.content.map { StatusColumns(.proven($0.receipt), fileSize: $0.fingerprint.size) }
    try statement.execute(
      with: tree, object.path.bytes, destination, NullableCell(number(of: object.state)),
      NullableCell(file.map { Int64(bitPattern: $0.device) }), NullableCell(file.map { Int64(bitPattern: $0.inode) }),
      NullableCell(file?.size), NullableCell(file?.modified), NullableCell(file.map { $0.changed &- $0.modified }),
      NullableCell(status?.received), NullableCell(status?.etag), NullableCell(status?.algorithm),
      NullableCell(status?.checksum))
  }

  static func remove(_ paths: [BytePath], tree: Int64, destination: Int64, in database: Database) throws {
    let statement = try database.cachedStatement(
      sql: "DELETE FROM mirrored WHERE tree = ? AND path = ? AND destination = ?")
    for path in paths { try statement.execute(with: tree, path.bytes, destination) }
  }

  /// What lies at the keys is no longer known.
  static func forgetContents(of run: RunID, at destination: DestinationName, in database: Database) throws {
    let sql = """
      UPDATE mirrored SET device = NULL, inode = NULL, size = NULL, modified = NULL, changed_after = NULL,
        received = NULL, etag = NULL, algorithm = NULL, checksum = NULL
      WHERE tree = (SELECT tree FROM runs WHERE id = ?)
        AND destination = (SELECT number FROM destinations WHERE name = ?) AND inode IS NOT NULL
      """
    try database.cachedStatement(sql: sql).execute(with: run.text, destination.text)
  }

  // MARK: Reading

  static func place(of tree: TreeID, at destination: DestinationName, in database: Database) throws -> MirrorPlace? {
    try database.cachedStatement(sql: "SELECT address, is_complete FROM mirrors WHERE \(ofMirror)")
      .first(with: tree.workflow.text, tree.watch.bytes, tree.name.bytes, destination.text) {
        MirrorPlace(address: $0.column(0), isComplete: $0.column(1))
      }
  }

  static func root(of tree: TreeID, in database: Database) throws -> DirectoryIdentity? {
    try database.cachedStatement(sql: "SELECT m.inode, m.born FROM mirror_roots m WHERE \(ofTree)")
      .first(with: tree.workflow.text, tree.watch.bytes, tree.name.bytes) {
        DirectoryIdentity(inode: $0.column(0), born: $0.column(1))
      }
  }

  static func mounts(of tree: TreeID, in database: Database) throws -> [BytePath] {
    try database.cachedStatement(sql: "SELECT m.path FROM mirror_mounts m WHERE \(ofTree) ORDER BY m.path")
      .all(with: tree.workflow.text, tree.watch.bytes, tree.name.bytes) { $0.path(0) }
  }

  static func objects(
    of tree: TreeID, within path: BytePath, after last: BytePath?, limit: Int, in database: Database
  ) throws -> [MirroredObject] {
    if path == .here { return try objects(of: tree, from: last?.bytes, to: nil, limit, database) }
    var found: [MirroredObject] = []
    if last.map({ $0 < path }) ?? true { found = try objects(of: tree, at: path, database) }
    let below = path.bytes + [UInt8(ascii: "/")]
    let start = last.map { $0.bytes.precedes(below) ? below : $0.bytes } ?? below
    // The byte behind a slash ends everything below it.
    let end = path.bytes + [UInt8(ascii: "/") + 1]
    return found + (try objects(of: tree, from: start, to: end, limit, database))
  }

  private static func objects(of tree: TreeID, at path: BytePath, _ database: Database) throws -> [MirroredObject] {
    let statement = try database.cachedStatement(
      sql: "SELECT \(columns) FROM \(tables) WHERE \(ofTree) AND m.path = ?")
    try statement.bind(tree.workflow.text, tree.watch.bytes, tree.name.bytes, path.bytes)
    return try objects(of: statement, wholePaths: nil)
  }

  /// Both ends are excluded.
  private static func objects(
    of tree: TreeID, from start: [UInt8]?, to end: [UInt8]?, _ limit: Int, _ database: Database
  ) throws -> [MirroredObject] {
    let bounds = (start == nil ? "" : " AND m.path > ?") + (end == nil ? "" : " AND m.path < ?")
    let statement = try database.cachedStatement(
      sql: "SELECT \(columns) FROM \(tables) WHERE \(ofTree)\(bounds) ORDER BY m.tree, m.path")
    let (workflow, watch, name) = (tree.workflow.text, tree.watch.bytes, tree.name.bytes)
    switch (start, end) {
    case (nil, nil): try statement.bind(workflow, watch, name)
    case (let start?, nil): try statement.bind(workflow, watch, name, start)
    case (nil, let end?): try statement.bind(workflow, watch, name, end)
    case (let start?, let end?): try statement.bind(workflow, watch, name, start, end)
    }
    return try objects(of: statement, wholePaths: limit)
  }

  static func objects(of tree: TreeID, inode: UInt64, in database: Database) throws -> [MirroredObject] {
    let statement = try database.cachedStatement(
      sql: "SELECT \(columns) FROM \(tables) WHERE \(ofTree) AND m.inode = ? LIMIT \(inodeLimit)")
    try statement.bind(tree.workflow.text, tree.watch.bytes, tree.name.bytes, inode)
    return try objects(of: statement, wholePaths: nil)
  }

  private static let inodeLimit = 64

  static func objectsToDelete(
    of tree: TreeID, at destination: DestinationName, after last: BytePath?, limit: Int, in database: Database
  ) throws -> [MirroredObject] {
    let statement = try database.cachedStatement(
      sql: """
        SELECT \(columns) FROM \(tables) WHERE \(ofTree) AND d.name = ? AND m.state IS NOT NULL AND m.path > ?
        ORDER BY m.path LIMIT ?
        """)
    try statement.bind(
      tree.workflow.text, tree.watch.bytes, tree.name.bytes, destination.text, last?.bytes ?? [], max(0, limit))
    return try objects(of: statement, wholePaths: nil)
  }

  static func counts(of tree: TreeID, at destination: DestinationName, in database: Database) throws -> MirrorCounts {
    try database.cachedStatement(
      sql: "SELECT count(*), count(*) FILTER (WHERE state IS NOT NULL AND NOT \(isMoved)), count(state) "
        + "FROM mirrored m WHERE \(ofMirror)"
    ).first(with: tree.workflow.text, tree.watch.bytes, tree.name.bytes, destination.text) {
      MirrorCounts(all: $0.column(0), gone: $0.column(1), toDelete: $0.column(2))
    } ?? MirrorCounts()
  }

  /// The same file, under another name, has been proven to lie at its key.
  private static let isMoved = """
    EXISTS (SELECT 1 FROM mirrored n WHERE n.tree = m.tree AND n.inode = m.inode AND n.destination = m.destination
      AND n.state IS NULL AND n.size = m.size AND n.modified = m.modified)
    """

  /// With `wholePaths` about so many, the rows of one path not torn apart.
  private static func objects(of statement: Statement, wholePaths limit: Int?) throws -> [MirroredObject] {
    defer { statement.stop() }
    var objects: [MirroredObject] = []
    while try statement.nextRow() {
      let object = try object(statement)
      if let limit, objects.count >= limit, object.path != objects.last?.path { break }
      insert(object, into: &objects)
    }
    return objects
  }

  /// The rows of a path come by the destinations' numbers, and are wanted by their names.
  private static func insert(_ object: MirroredObject, into objects: inout [MirroredObject]) {
    var index = objects.endIndex
    while index > 0, objects[index - 1].path == object.path, object.destination < objects[index - 1].destination {
      index -= 1
    }
    objects.insert(object, at: index)
  }

  private static func object(_ row: Statement) throws -> MirroredObject {
    let destination = DestinationName(row.column(1))
    let state: Int? = row.column(2)
    return MirroredObject(
      path: row.path(0), destination: destination, content: try content(row), state: try self.state(state))
  }

  private static func content(_ row: Statement) throws -> MirroredObject.Content? {
    let inode: UInt64? = row.column(4)
    guard let inode else { return nil }
    let (size, modified): (Int64, Int64) = (row.column(5), row.column(6))
    let file = Fingerprint(
      device: row.column(3), inode: inode, size: size, modified: modified, changed: modified &+ row.column(7))
    let status = StatusColumns(
      error: nil, isPermanent: nil, received: row.column(8), etag: row.column(9), algorithm: row.column(10),
      checksum: row.column(11), isFound: nil)
    guard case .proven(let receipt) = try status.status(fileSize: size) else { return nil }
    return MirroredObject.Content(fingerprint: file, receipt: receipt)
  }

  private static func number(of state: MirroredObject.State) -> Int? {
    switch state {
    case .present: nil
    case .gone: 1
    }
  }

  private static func state(_ number: Int?) throws -> MirroredObject.State {
    switch number {
    case nil: .present
    // Earlier versions wrote 2 where another key was about to get the content.
    case 1, 2: .gone
    case .some(let number):
      throw SQLiteError(code: SQLiteError.corrupt, text: "an object has the unknown state \(number)")
    }
  }
}

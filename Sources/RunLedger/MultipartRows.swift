import GRDB
import SlipwayModel

/// Multipart uploads that are not over, and their proven parts, as rows, and back.
enum MultipartRows {
  private static let byPlace = "run = ? AND path = ? AND destination = ?"

  /// An upload with another token takes the place of the one that was there, whose parts go with it.
  static func save(_ upload: MultipartUpload, run: Int64, destination: Int64, in database: Database) throws {
    try database.cachedStatement(sql: "DELETE FROM multipart_uploads WHERE \(byPlace) AND token <> ?")
      .execute(with: run, upload.path.bytes, destination, upload.token)
    let sql = """
      INSERT INTO multipart_uploads (run, path, destination, key, device, inode, size, modified, changed, token,
        part_size, begun, id)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (run, path, destination) DO UPDATE SET id = excluded.id
      """
    let file = upload.fingerprint
    try database.cachedStatement(sql: sql).execute(
      with: run, upload.path.bytes, destination, upload.key.bytes, file.device, file.inode, file.size, file.modified,
      file.changed, upload.token, upload.partSize, upload.begun.nanoseconds, upload.id?.text)
  }

  /// Nothing is recorded of an upload that is over.
  static func save(
    _ part: MultipartUpload.Part, of upload: MultipartUpload, run: Int64, destination: Int64, in database: Database
  ) throws {
    let sql = """
      INSERT OR REPLACE INTO multipart_parts (upload, number, etag, checksum)
      SELECT number, ?, ?, ? FROM multipart_uploads WHERE \(byPlace) AND token = ?
      """
    try database.cachedStatement(sql: sql).execute(
      with: part.number, part.etag, part.checksum, run, upload.path.bytes, destination, upload.token)
  }

  /// One with another token, which has taken its place meanwhile, stays.
  static func remove(_ upload: MultipartUpload, run: Int64, destination: Int64, in database: Database) throws {
    try database.cachedStatement(sql: "DELETE FROM multipart_uploads WHERE \(byPlace) AND token = ?")
      .execute(with: run, upload.path.bytes, destination, upload.token)
  }

  private static let select = """
    SELECT u.number, r.id, d.name, u.path, u.key, u.device, u.inode, u.size, u.modified, u.changed, u.token, u.part_size,
      u.begun, u.id
    FROM multipart_uploads u JOIN runs r ON r.number = u.run JOIN destinations d ON d.number = u.destination
    """

  static func upload(
    of run: RunID, _ path: BytePath, at destination: DestinationName, in database: Database
  ) throws -> MultipartUpload? {
    let found = try database.cachedStatement(sql: "\(select) WHERE r.id = ? AND u.path = ? AND d.name = ?")
      .first(with: run.text, path.bytes, destination.text) { (number: $0.column(0) as Int64, upload: decoded($0)) }
    guard let found else { return nil }
    var upload = found.upload
    upload.parts = try parts(of: found.number, in: database)
    return upload
  }

  private static let isOver = "r.state IN ('done', 'failed', 'skipped', 'cancelled')"

  static func inUse(in database: Database) throws -> [MultipartUpload] {
    try database.cachedStatement(sql: "\(select) WHERE NOT \(isOver) ORDER BY u.number").all { decoded($0) }
  }

  static func abandoned(of run: RunID?, in database: Database) throws -> [MultipartUpload] {
    let sql = "\(select) WHERE \(isOver)"
    guard let run else { return try database.cachedStatement(sql: "\(sql) ORDER BY u.number").all { decoded($0) } }
    return try database.cachedStatement(sql: "\(sql) AND r.id = ? ORDER BY u.number").all(with: run.text) {
      decoded($0)
    }
  }

  static func isThere(to key: ObjectKey, at destination: DestinationName, in database: Database) throws -> Bool {
    let sql = """
      SELECT 1 FROM multipart_uploads u JOIN destinations d ON d.number = u.destination WHERE d.name = ? AND u.key = ?
      """
    let found: Int? = try database.cachedStatement(sql: sql).first(with: destination.text, key.bytes) { $0.column(0) }
    return found != nil
  }

  private static func parts(of number: Int64, in database: Database) throws -> [MultipartUpload.Part] {
    try database.cachedStatement(
      sql: "SELECT number, etag, checksum FROM multipart_parts WHERE upload = ? ORDER BY number"
    ).all(with: number) { MultipartUpload.Part(number: $0.column(0), etag: $0.column(1), checksum: $0.column(2)) }
  }

  private static func decoded(_ row: Statement) -> MultipartUpload {
    let id: String? = row.column(13)
    return MultipartUpload(
      run: RunID(row.column(1)), destination: DestinationName(row.column(2)), path: row.path(3),
      key: ObjectKey(row.column(4) as [UInt8]),
      fingerprint: Fingerprint(
        device: row.column(5), inode: row.column(6), size: row.column(7), modified: row.column(8),
        changed: row.column(9)),
      token: row.column(10), partSize: row.column(11), begun: Timestamp(nanoseconds: row.column(12)),
      id: id.map { MultipartUpload.ID($0) })
  }
}

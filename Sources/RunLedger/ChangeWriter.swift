import GRDB
import SlipwayModel

/// Writes changes as rows, inside the transaction that its caller has opened.
///
/// Remembers the numbers of a few runs, destinations and key heads; a rollback must be followed by `forgetNumbers()`,
/// because a number may have gone with it.
final class ChangeWriter {
  private var runs: [RunID: KnownRun] = [:]
  private var destinations: [DestinationName: Int64] = [:]
  private var heads = KeyHeads()
  /// Past this many, all are forgotten and looked up again: more than the files of a queue that are claimed at a time.
  private static let rememberedNumbers = 8192

  private struct KnownRun {
    let number: Int64
    /// Whether rows of what its hooks or its tree said may be there.
    var hasParts = true
    /// Whether heads of its keys may be there.
    var hasHeads = true
  }

  /// Throws `Failure` where the change makes no sense (the others of its transaction may), `SQLiteError` where the
  /// ledger cannot be written.
  func apply(_ change: LedgerChange, _ database: Database) throws {
    switch change {
    case .run(let run): try save(run, database)
    case .answered(let tree, let marker): try TreeRows.setAnswered(tree, marker, in: database)
    case .uploads(let records): try save(records, database)
    case .inheritUploads(let run):
      try UploadRows.inherit(number(of: run, database), in: database)
      runs[run]?.hasHeads = true
    case .forgetUploads(let run, let path): try forget(run, path, database)
    case .forgetDestination(let run, let destination): try forget(run, destination, database)
    case .address(let destination, let address):
      try AddressRows.set(address, destination: number(of: destination, database), in: database)
    case .multipart(let upload):
      let (run, destination) = try place(of: upload, database)
      try MultipartRows.save(upload, run: run, destination: destination, in: database)
    case .part(let part, let upload):
      let (run, destination) = try place(of: upload, database)
      try MultipartRows.save(part, of: upload, run: run, destination: destination, in: database)
    case .multipartEnded(let upload):
      let (run, destination) = try place(of: upload, database)
      try MultipartRows.remove(upload, run: run, destination: destination, in: database)
    case .unanswered(let upload):
      try UnansweredRows.save(upload, destination: number(of: upload.destination, database), in: database)
    case .unansweredEnded(let upload):
      try UnansweredRows.remove(upload, destination: number(of: upload.destination, database), in: database)
    case .hook(let record): try HookRows.save(record, run: number(of: record.run, database), in: database)
    case .expire(let run, let limit):
      // The next run may get its number.
      forgetNumbers()
      try HistoryRows.expire(run, limit: limit, in: database)
    case .forgetTrees(let trees): try HistoryRows.forget(trees, in: database)
    case .stem(let stem, let destination, let path):
      try TreeRows.setOwner(ofStem: stem, at: number(of: destination, database), to: path, in: database)
    case .mirrorPlace(let tree, let destination, let place):
      try MirrorRows.setPlace(
        place, tree: TreeRows.number(of: tree, database), destination: number(of: destination, database), in: database)
    case .mirrorRoot(let tree, let root):
      try MirrorRows.setRoot(root, tree: TreeRows.number(of: tree, database), in: database)
    case .mirrorMount(let tree, let path):
      try MirrorRows.addMount(path, tree: TreeRows.number(of: tree, database), in: database)
    case .mirrorMountsGone(let tree, let paths):
      try MirrorRows.removeMounts(paths, tree: TreeRows.number(of: tree, database), in: database)
    case .mirrored(let tree, let objects):
      let number = try TreeRows.number(of: tree, database)
      for object in objects {
        let destination = try self.number(of: object.destination, database)
        try MirrorRows.save(object, tree: number, destination: destination, in: database)
      }
    case .unmirrored(let tree, let destination, let paths):
      try MirrorRows.remove(
        paths, tree: TreeRows.number(of: tree, database), destination: number(of: destination, database), in: database)
    }
  }

  func forgetNumbers() {
    runs = [:]
    destinations = [:]
    heads = KeyHeads()
  }

  /// Of a run that was inserted a moment ago it is known that nothing of it is to be replaced.
  private func save(_ run: Run, _ database: Database) throws {
    var known: KnownRun
    if let earlier = try runs[run.id] ?? RunRows.number(of: run.id, in: database).map({ KnownRun(number: $0) }) {
      known = earlier
      try RunRows.update(run, number: known.number, in: database)
    } else {
      let number = try RunRows.insert(run, tree: TreeRows.number(of: run.tree, database), in: database)
      known = KnownRun(number: number, hasParts: false, hasHeads: false)
    }
    if known.hasParts { try RunRows.deleteParts(of: known.number, in: database) }
    known.hasParts = try RunRows.insertParts(of: run, number: known.number, in: database)
    if run.state.isFinal { runs[run.id] = nil } else { remember(known, run.id) }
  }

  private func save(_ records: [UploadRecord], _ database: Database) throws {
    guard var run = records.first?.run else { return }
    let statement = try database.cachedStatement(sql: UploadRows.save)
    var number = try beginHeads(of: run, database)
    for record in records {
      if record.run != run {
        run = record.run
        number = try beginHeads(of: run, database)
      }
      let destination = try self.number(of: record.destination, database)
      let (head, tail) = try heads.split(record.key.bytes, path: record.path.bytes, database)
      try UploadRows.execute(statement, record, run: number, destination: destination, head: head, tail: tail)
    }
  }

  private func beginHeads(of run: RunID, _ database: Database) throws -> Int64 {
    let number = try number(of: run, database)
    heads.begin(number, isNew: runs[run]?.hasHeads == false)
    runs[run]?.hasHeads = true
    return number
  }

  private func forget(_ run: RunID, _ path: BytePath, _ database: Database) throws {
    try database.cachedStatement(
      sql: "DELETE FROM uploads WHERE run = (SELECT number FROM runs WHERE id = ?) AND path = ?"
    ).execute(with: run.text, path.bytes)
  }

  private func forget(_ run: RunID, _ destination: DestinationName, _ database: Database) throws {
    let sql = """
      DELETE FROM uploads WHERE run = (SELECT number FROM runs WHERE id = ?)
        AND destination = (SELECT number FROM destinations WHERE name = ?)
      """
    try database.cachedStatement(sql: sql).execute(with: run.text, destination.text)
    try MirrorRows.forgetContents(of: run, at: destination, in: database)
  }

  private func place(of upload: MultipartUpload, _ database: Database) throws -> (run: Int64, destination: Int64) {
    (try number(of: upload.run, database), try number(of: upload.destination, database))
  }

  private func number(of run: RunID, _ database: Database) throws -> Int64 {
    if let known = runs[run] { return known.number }
    guard let found = try RunRows.number(of: run, in: database) else {
      throw Failure(.permanent, "record", "run \(run)", code: "UnknownRun", cause: "the ledger has no such run")
    }
    remember(KnownRun(number: found), run)
    return found
  }

  private func remember(_ known: KnownRun, _ run: RunID) {
    if runs.count >= Self.rememberedNumbers { runs = [:] }
    runs[run] = known
  }

  private func number(of destination: DestinationName, _ database: Database) throws -> Int64 {
    if let number = destinations[destination] { return number }
    let found: Int64? = try database.cachedStatement(sql: "SELECT number FROM destinations WHERE name = ?")
      .first(with: destination.text) { $0.column(0) }
    let number = try found ?? insert(destination, database)
    if destinations.count >= Self.rememberedNumbers { destinations = [:] }
    destinations[destination] = number
    return number
  }

  private func insert(_ destination: DestinationName, _ database: Database) throws -> Int64 {
    try database.cachedStatement(sql: "INSERT INTO destinations (name) VALUES (?)").execute(with: destination.text)
    return database.lastInsertedRowID
  }
}

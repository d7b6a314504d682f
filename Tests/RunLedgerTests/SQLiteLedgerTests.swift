import GRDB
import RunLedger
import SlipwayModel
import TestSupport
import Testing

@Suite("The ledger's file")
struct SQLiteLedgerTests {
  let directory: TemporaryDirectory
  var state: BytePath { directory.path("state") }
  var file: BytePath { directory.path("state/ledger.sqlite") }

  init() throws { directory = try TemporaryDirectory() }

  func open() async throws -> SQLiteLedger {
    try await SQLiteLedger(in: StateDirectory(state))
  }

  @Test("keeps what was committed when it is opened again")
  func reopened() async throws {
    let run = plainRun(1)
    let first = try await open()
    try await first.commit([.run(run), .uploads([upload(of: run, "a"), upload(of: run, "b")])])
    await first.close()
    let second = try await open()
    #expect(try await second.run(run.id) == run)
    try await second.commit([.uploads([upload(of: run, "a"), upload(of: run, "c")])])
    #expect(
      try await second.uploads(of: run.id, after: nil, limit: 9).map(\.path) == ["a", "b", "c"].map { BytePath($0) })
    await second.close()
    #expect(try directory.list(BytePath("state")) == [BytePath("ledger.sqlite"), BytePath("lock")])
  }

  @Test("keeps the lock until it is closed, and gives it back then")
  func lock() async throws {
    let ledger = try await open()
    #expect(throws: Failure.self) { try StateDirectory(state) }
    await ledger.close()
    _ = try StateDirectory(state)
  }

  @Test("can be closed twice, and refuses what comes later")
  func closed() async throws {
    let ledger = try await open()
    await ledger.close()
    await ledger.close()
    let failure = try await #require(throws: Failure.self) { try await ledger.commit([]) }
    #expect(failure.message == "cannot write the ledger \(file): it has been closed")
    #expect(failure.kind == .fatal)
    await #expect(throws: Failure.self) { try await ledger.unfinishedRuns() }
  }

  @Test("is for its user alone, with its log and index")
  func permissions() async throws {
    let ledger = try await open()
    try await ledger.commit([.run(plainRun(1))])
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
      #expect(mode(of: state.appending(name)) == 0o600)
    }
    await ledger.close()
  }

  @Test("has everything after a kill: each commit that returned is in the log")
  func killed() async throws {
    let run = plainRun(1)
    let ledger = try await open()
    try await ledger.commit([.run(run)])
    try await ledger.commit([.uploads([upload(of: run, "a")])])
    // What a killed process leaves: the file and its log as they are.
    let copy = try copyOfState()
    await ledger.close()
    let survivor = try await SQLiteLedger(in: StateDirectory(copy))
    #expect(try await survivor.run(run.id) == run)
    #expect(try await survivor.uploadCounts(of: run.id).values.map(\.proven) == [1])
    await survivor.close()
  }

  @Test("is committed to by a cancelled task like by any other")
  func cancelled() async throws {
    let ledger = try await open()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await ledger.commit([.run(plainRun(1))])
      return try await ledger.run(plainRun(1).id)
    }
    #expect(try await task.value == plainRun(1))
    await ledger.close()
  }

  @Test("is refused, and left alone, where it is no database")
  func garbage() async throws {
    try await open().close()
    let content = [UInt8](repeating: 0x41, count: 8192)
    try directory.write(content, to: BytePath("state/ledger.sqlite"))
    let failure = try await #require(throws: Failure.self) { _ = try await open() }
    #expect(
      failure.message
        == "cannot open the ledger \(file): file is not a database; put a copy of it back, or move it away to begin "
        + "with an empty one")
    #expect(failure.kind == .fatal)
    #expect(failure.code == "Corrupt")
    #expect(try directory.read("state/ledger.sqlite") == content)
  }

  @Test("is refused where it is empty: the ledger never makes such a file")
  func empty() async throws {
    try await open().close()
    try directory.write("", to: "state/ledger.sqlite")
    for reading in [false, true] {
      let failure = try await #require(throws: Failure.self) {
        _ = reading ? try await SQLiteLedger(readingAt: state) : try await open()
      }
      #expect(
        failure.message
          == "cannot open the ledger \(file): the file is empty; put a copy of it back, or move it away to begin with "
          + "an empty one")
    }
    #expect(try directory.read("state/ledger.sqlite") == [])
  }

  @Test("is not made anew beside the log of one that is gone")
  func logWithoutFile() async throws {
    let ledger = try await open()
    try await ledger.commit([.run(plainRun(1))])
    let copy = try copyOfState()
    await ledger.close()
    try removeFile(copy.appending("ledger.sqlite"))
    let failure = try await #require(throws: Failure.self) { _ = try await SQLiteLedger(in: StateDirectory(copy)) }
    #expect(
      failure.cause == "the file is gone and its log \(copy.appending("ledger.sqlite-wal")) is still there")
    #expect(failure.code == "Corrupt")
  }

  @Test("stops the ledger for good where a page of it is damaged")
  func damagedPage() async throws {
    let run = plainRun(1)
    let first = try await open()
    let paths = (0..<8000).map { "file-\($0)" }
    try await first.commit([.run(run), .uploads(paths.map { upload(of: run, $0) })])
    await first.close()
    var content = try directory.read("state/ledger.sqlite")
    // Past the header and the schema, which are read at the start.
    for index in (content.count / 2)..<content.count { content[index] = 0x5A }
    try directory.write(content, to: BytePath("state/ledger.sqlite"))
    let second = try await open()
    let failure = try await #require(throws: Failure.self) {
      _ = try await second.uploads(of: run.id, after: nil, limit: .max)
    }
    #expect(failure.kind == .fatal)
    #expect(failure.code == "Corrupt")
    let later = try await #require(throws: Failure.self) { try await second.commit([.answered(run.tree, nil)]) }
    #expect(later == failure)
    await second.close()
  }

  @Test("is refused where a newer Slipway wrote it")
  func newer() async throws {
    try await open().close()
    try execute("PRAGMA user_version = 9")
    let failure = try await #require(throws: Failure.self) { _ = try await open() }
    #expect(
      failure.message
        == "cannot open the ledger \(file): it has version 9, and this Slipway knows no later one than 8; use the "
        + "Slipway that wrote it, or another state directory")
    #expect(failure.code == "NewerSchema")
    #expect(failure.kind == .fatal)
  }

  @Test("of an earlier version is not read, and has every row once it is opened for writing")
  func older() async throws {
    let run = plainRun(1)
    let first = try await open()
    try await first.commit([.run(run), .uploads([upload(of: run, "a")])])
    await first.close()
    try execute(
      "DROP TABLE addresses; DROP TABLE unanswered_uploads; DROP TABLE mirror_mounts; DROP TABLE mirror_roots; "
        + "DROP TABLE mirrors; DROP TABLE mirrored; "
        + "DROP TABLE tree_settings; "
        + "ALTER TABLE uploads DROP COLUMN is_found; ALTER TABLE runs DROP COLUMN failed_stage; PRAGMA user_version = 2"
    )
    let failure = try await #require(throws: Failure.self) { _ = try await SQLiteLedger(readingAt: state) }
    #expect(
      failure.message
        == "cannot read the ledger \(file): an older Slipway wrote it; the next `slipway run` brings it up to date")
    let second = try await open()
    #expect(try await second.uploads(of: run.id, after: nil, limit: 9) == [upload(of: run, "a")])
    let found = UploadRecord.Status.proven(PutReceipt(size: 3, etag: "", checksum: nil, isSent: false))
    try await second.commit([.uploads([upload(of: run, "b", found)])])
    #expect(
      try await second.uploads(of: run.id, after: nil, limit: 9) == [upload(of: run, "a"), upload(of: run, "b", found)])
    await second.close()
  }

  @Test("is refused where it is another program's database")
  func anotherPrograms() async throws {
    _ = try StateDirectory(state)
    try execute("CREATE TABLE photos (name TEXT)")
    let failure = try await #require(throws: Failure.self) { _ = try await open() }
    #expect(
      failure.message
        == "cannot open the ledger \(file): it is another program's database; give Slipway a state directory of its own"
    )
  }

  @Test(
    "fails every commit from the first on that could not be kept, and has those before it",
    .enabled(if: SmallFileSystem.isAvailable, "mounting needs root"))
  func diskFull() async throws {
    let disk = try SmallFileSystem(kilobytes: 512)
    let run = plainRun(1)
    let first = try await SQLiteLedger(in: StateDirectory(disk.path.appending("state")))
    try await first.commit([.run(run)])
    try disk.fill()
    let many = (0..<2000).map { upload(of: run, "file-\($0)") }
    let failure = try await #require(throws: Failure.self) { try await first.commit([.uploads(many)]) }
    #expect(
      failure.message
        == "cannot write the ledger \(disk.path)/state/ledger.sqlite: database or disk is full; make room on its file "
        + "system and start Slipway again")
    #expect(failure.kind == .fatal)
    #expect(failure.code == "SQLITE_FULL")
    disk.release()
    let later = try await #require(throws: Failure.self) { try await first.commit([.run(run)]) }
    #expect(later == failure)
    await first.close()
    let second = try await SQLiteLedger(in: StateDirectory(disk.path.appending("state")))
    #expect(try await second.run(run.id) == run)
    #expect(try await second.uploadCounts(of: run.id) == [:])
    try await second.commit([.uploads(many)])
    #expect(try await second.uploadCounts(of: run.id).values.map(\.proven) == [2000])
    await second.close()
  }

  private func copyOfState() throws -> BytePath {
    for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
      try directory.write(try directory.read("state/\(name)"), to: BytePath("copy/\(name)"))
    }
    return directory.path("copy")
  }

  private func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: file.description)
    try queue.inDatabase { try $0.execute(sql: sql) }
    try queue.close()
  }
}

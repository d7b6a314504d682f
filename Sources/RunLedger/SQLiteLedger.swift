import GRDB
import SlipwayModel

/// The ledger as a SQLite file in write-ahead mode.
///
/// A state change is on the disk (fsync of the log) when `commit` returns. A commit of nothing but `.uploads` is in
/// the kernel's memory then, and goes to the disk with the next state change.
package final class SQLiteLedger: Ledger {
  private let thread: LedgerThread
  private let path: BytePath

  /// The code of the failure of a state directory without a ledger.
  package static let noLedger = "NoLedger"

  /// Opens the ledger of `directory` for writing; makes it if there is none, and brings an older one up to date.
  /// Throws a fatal failure for a newer, a damaged or somebody else's file. Keeps `directory` locked until the last
  /// change is written, even after this object has gone.
  package init(in directory: StateDirectory) async throws(Failure) {
    path = directory.ledger
    thread = try await LedgerThread { () throws(Failure) in try WritingConnection(directory) }
  }

  /// Opens the ledger in the state directory `path` for reading. Takes no lock and makes no file; works beside a
  /// running service. Throws a permanent failure with code `NoLedger` if there is none yet. `commit` throws.
  package init(readingAt path: BytePath) async throws(Failure) {
    let file = path.appending(StateDirectory.ledgerName)
    self.path = file
    thread = try await LedgerThread { () throws(Failure) in try ReadingConnection(file) }
  }

  /// Writes what has been asked for, and gives the file and the directory's lock back. Later calls throw. May be
  /// called twice.
  package func close() async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      if !thread.submit(.close { continuation.resume() }) { continuation.resume() }
    }
  }

  /// A cancelled task's changes are committed like any other's.
  package func commit(_ changes: [LedgerChange]) async throws(Failure) {
    let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Void, Failure>, Never>) in
      if !thread.submit(.commit(changes, { continuation.resume(returning: $0) })) {
        continuation.resume(returning: .failure(closedFailure("write")))
      }
    }
    try result.get()
  }

  package func unfinishedRuns() async throws(Failure) -> [Run] {
    try await read { try RunRows.unfinished(in: $0) }
  }

  package func run(_ id: RunID) async throws(Failure) -> Run? {
    try await read { try RunRows.run(id, in: $0) }
  }

  package func latestRun(of tree: TreeID) async throws(Failure) -> Run? {
    try await read { try RunRows.latest(of: tree, in: $0) }
  }

  package func runs(matching filter: RunFilter, limit: Int) async throws(Failure) -> [Run] {
    try await read { try RunRows.matching(filter, limit: limit, in: $0) }
  }

  package func answeredMarkers(of trees: [TreeID]) async throws(Failure) -> [TreeID: MarkerIdentity] {
    if trees.isEmpty { return [:] }
    return try await read { database in
      var markers: [TreeID: MarkerIdentity] = [:]
      for tree in trees { markers[tree] = try TreeRows.answeredMarker(of: tree, in: database) }
      return markers
    }
  }

  package func answeredTrees(
    _ workflow: WorkflowName, watch: BytePath, after name: BytePath?, limit: Int
  ) async throws(Failure) -> [AnsweredTree] {
    try await read { try TreeRows.answered(workflow, watch: watch, after: name, limit: limit, in: $0) }
  }

  package func uploads(of run: RunID, after path: BytePath?, limit: Int) async throws(Failure) -> [UploadRecord] {
    try await read { try UploadRows.records(of: run, after: path, limit: limit, in: $0) }
  }

  package func uploadCounts(of run: RunID) async throws(Failure) -> [DestinationName: UploadCounts] {
    try await read { try UploadRows.counts(of: run, in: $0) }
  }

  package func hooks(of run: RunID) async throws(Failure) -> [HookRecord] {
    try await read { try HookRows.records(of: run, in: $0) }
  }

  package func multipartUpload(
    of run: RunID, _ path: BytePath, at destination: DestinationName
  ) async throws(Failure) -> MultipartUpload? {
    try await read { try MultipartRows.upload(of: run, path, at: destination, in: $0) }
  }

  package func abandonedUploads(of run: RunID?) async throws(Failure) -> [MultipartUpload] {
    try await read { try MultipartRows.abandoned(of: run, in: $0) }
  }

  package func address(of destination: DestinationName) async throws(Failure) -> String? {
    try await read { try AddressRows.address(of: destination, in: $0) }
  }

  package func unansweredUploads() async throws(Failure) -> [UnansweredUpload] {
    try await read { try UnansweredRows.all(in: $0) }
  }

  package func hasMultipartUpload(
    to key: ObjectKey, at destination: DestinationName
  ) async throws(Failure) -> Bool {
    try await read { try MultipartRows.isThere(to: key, at: destination, in: $0) }
  }

  /// Multipart uploads of runs that will go on with them, without their parts.
  package func uploadsInUse() async throws(Failure) -> [MultipartUpload] {
    try await read { try MultipartRows.inUse(in: $0) }
  }

  /// What stands in the ledger of each workflow that it knows, in byte order of the names; at most `limit` runs a list.
  package func status(doneSince start: Timestamp, limit: Int) async throws(Failure) -> [WorkflowStatus] {
    try await read { try StatusRows.all(doneSince: start, limit: limit, in: $0) }
  }

  package func expiredRuns(
    before time: Timestamp, from position: Int64, limit: Int
  ) async throws(Failure) -> HistoryPage<RunID> {
    try await read { try HistoryRows.expired(before: time, from: position, limit: limit, in: $0) }
  }

  package func forgottenTrees(from position: Int64, limit: Int) async throws(Failure) -> HistoryPage<TreeID> {
    try await read { try HistoryRows.forgotten(from: position, limit: limit, in: $0) }
  }

  package func owner(ofStem stem: ObjectKey, at destination: DestinationName) async throws(Failure) -> BytePath? {
    try await read { try TreeRows.owner(ofStem: stem, at: destination, in: $0) }
  }

  package func owners(
    ofStems stems: [(destination: DestinationName, key: ObjectKey)]
  ) async throws(Failure) -> [BytePath?] {
    try await read { database in
      try stems.map { try TreeRows.owner(ofStem: $0.key, at: $0.destination, in: database) }
    }
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(Failure) -> Value {
    let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, Failure>, Never>) in
      if !thread.submit(.read { continuation.resume(returning: $0.read(body)) }) {
        continuation.resume(returning: .failure(closedFailure("read")))
      }
    }
    return try result.get()
  }

  private func closedFailure(_ operation: String) -> Failure {
    Failure(.fatal, operation, "the ledger \(path)", code: "Closed", cause: "it has been closed")
  }
}

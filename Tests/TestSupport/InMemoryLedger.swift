import SlipwayModel

/// A ledger without a file. It keeps the port's contract (`ledgerConformance`), remembers every commit, and can be told
/// to fail.
package actor InMemoryLedger: Ledger {
  /// Every commit that went well, in order.
  package private(set) var commits: [[LedgerChange]] = []
  private var failure: Failure?
  private var order: [RunID] = []
  private var runs: [RunID: Run] = [:]
  private var markers: [TreeID: MarkerIdentity] = [:]
  private var records: [UploadKey: UploadRecord] = [:]
  private var hookRecords: [RunID: [HookRecord]] = [:]
  private var stems: [Stem: BytePath] = [:]
  private var observers: [@Sendable ([LedgerChange]) -> Void] = []

  private struct UploadKey: Hashable {
    let run: RunID
    let path: BytePath
    let destination: DestinationName
  }
  private var multiparts: [UploadKey: MultipartUpload] = [:]
  private struct Stem: Hashable {
    let key: ObjectKey
    let destination: DestinationName
  }

  package init() {}

  /// From now on every commit throws `failure`, as a ledger does that cannot be written.
  package func fail(with failure: Failure) {
    self.failure = failure
  }

  /// Calls `observer` with each commit that went well, before `commit` returns.
  package func onCommit(_ observer: @escaping @Sendable ([LedgerChange]) -> Void) {
    observers.append(observer)
  }

  package func commit(_ changes: [LedgerChange]) throws(Failure) {
    if let failure { throw failure }
    try check(changes)
    for change in changes { apply(change) }
    commits.append(changes)
    for observer in observers { observer(changes) }
  }

  /// Throws before anything is changed: a commit is whole or not at all.
  private func check(_ changes: [LedgerChange]) throws(Failure) {
    var known = Set(order)
    for change in changes {
      switch change {
      case .run(let run): known.insert(run.id)
      case .uploads(let records):
        for record in records where !known.contains(record.run) { throw unknown(record.run) }
      case .multipart(let upload), .part(_, let upload), .multipartEnded(let upload):
        if !known.contains(upload.run) { throw unknown(upload.run) }
      case .hook(let record): if !known.contains(record.run) { throw unknown(record.run) }
      case .inheritUploads(let run): if !known.contains(run) { throw unknown(run) }
      case .answered, .forgetUploads, .forgetDestination, .stem: break
      }
    }
  }

  private func unknown(_ run: RunID) -> Failure {
    Failure(.permanent, "record", "run \(run)", code: "UnknownRun", cause: "the ledger has no such run")
  }

  private func apply(_ change: LedgerChange) {
    switch change {
    case .run(let run):
      if runs.updateValue(run, forKey: run.id) == nil { order.append(run.id) }
    case .answered(let tree, let marker): markers[tree] = marker
    case .uploads(let new):
      for record in new {
        records[UploadKey(run: record.run, path: record.path, destination: record.destination)] = record
      }
    case .inheritUploads(let id): inherit(id)
    case .forgetDestination(let run, let name):
      records = records.filter { $0.key.run != run || $0.key.destination != name }
    case .forgetUploads(let run, let path): records = records.filter { $0.key.run != run || $0.key.path != path }
    case .multipart(let upload): save(upload)
    case .part(let part, let upload): save(part, of: upload)
    case .multipartEnded(let upload): multiparts[key(of: upload)] = nil
    case .hook(let record): save(record)
    case .stem(let stem, let destination, let path): stems[Stem(key: stem, destination: destination)] = path
    }
  }

  private func inherit(_ id: RunID) {
    guard let index = order.firstIndex(of: id), let tree = runs[id]?.tree,
      !records.keys.contains(where: { $0.run == id })
    else { return }
    let earlier = order[..<index].last { other in
      runs[other]?.tree == tree && records.keys.contains { $0.run == other }
    }
    for record in records.values where record.run == earlier {
      guard case .proven(let receipt) = record.status else { continue }
      let key = UploadKey(run: id, path: record.path, destination: record.destination)
      records[key] = UploadRecord(
        run: id, destination: record.destination, path: record.path, fingerprint: record.fingerprint, key: record.key,
        status: .proven(
          PutReceipt(size: receipt.size, etag: receipt.etag, checksum: receipt.checksum, isSent: false)))
    }
  }

  private func key(of upload: MultipartUpload) -> UploadKey {
    UploadKey(run: upload.run, path: upload.path, destination: upload.destination)
  }

  private func save(_ upload: MultipartUpload) {
    var upload = upload
    let known = multiparts[key(of: upload)]
    upload.parts = known?.token == upload.token ? known?.parts ?? [] : []
    multiparts[key(of: upload)] = upload
  }

  private func save(_ part: MultipartUpload.Part, of upload: MultipartUpload) {
    guard var known = multiparts[key(of: upload)], known.token == upload.token else { return }
    known.parts.removeAll { $0.number == part.number }
    known.parts.append(part)
    known.parts.sort { $0.number < $1.number }
    multiparts[key(of: upload)] = known
  }

  private func save(_ record: HookRecord) {
    var list = hookRecords[record.run] ?? []
    if let index = list.firstIndex(where: { $0.phase == record.phase && $0.hook == record.hook }) {
      list[index] = record
    } else {
      list.append(record)
    }
    hookRecords[record.run] = list
  }

  private var allRuns: [Run] { order.compactMap { runs[$0] } }

  package func unfinishedRuns() throws(Failure) -> [Run] {
    allRuns.filter { !$0.state.isFinal }
  }

  package func run(_ id: RunID) throws(Failure) -> Run? {
    runs[id]
  }

  package func latestRun(of tree: TreeID) throws(Failure) -> Run? {
    allRuns.last { $0.tree == tree }
  }

  package func runs(matching filter: RunFilter, limit: Int) throws(Failure) -> [Run] {
    let matching = allRuns.reversed().filter { run in
      (filter.workflow == nil || run.tree.workflow == filter.workflow)
        && (filter.state == nil || run.state.name == filter.state)
    }
    return Array(matching.prefix(max(0, limit)))
  }

  package func answeredMarkers(of trees: [TreeID]) throws(Failure) -> [TreeID: MarkerIdentity] {
    markers.filter { trees.contains($0.key) }
  }

  package func answeredTrees(
    _ workflow: WorkflowName, watch: BytePath, after name: BytePath?, limit: Int
  ) throws(Failure) -> [AnsweredTree] {
    let trees = markers.filter { $0.key.workflow == workflow && $0.key.watch == watch && isAfter($0.key.name, name) }
    return trees.sorted { $0.key.name < $1.key.name }.prefix(max(0, limit)).map { tree, marker in
      AnsweredTree(
        name: tree.name, marker: marker, hasFailed: allRuns.last { $0.tree == tree }?.state == .failed)
    }
  }

  package func uploads(of run: RunID, after path: BytePath?, limit: Int) throws(Failure) -> [UploadRecord] {
    let rows = records.values.filter { $0.run == run && isAfter($0.path, path) }
      .sorted { $0.path == $1.path ? $0.destination < $1.destination : $0.path < $1.path }
    let end = rows.indices.first { $0 >= limit && $0 > 0 && rows[$0].path != rows[$0 - 1].path }
    return limit > 0 ? Array(rows[..<(end ?? rows.endIndex)]) : []
  }

  private func isAfter(_ path: BytePath, _ start: BytePath?) -> Bool {
    start.map { path > $0 } ?? true
  }

  package func uploadCounts(of run: RunID) throws(Failure) -> [DestinationName: UploadCounts] {
    var counts: [DestinationName: UploadCounts] = [:]
    for record in records.values.filter({ $0.run == run }).sorted(by: { $0.path < $1.path }) {
      var count = counts[record.destination] ?? UploadCounts()
      switch record.status {
      case .failed(let error, _):
        if count.failed == 0 { count.error = error }
        count.failed += 1
      case .proven(let receipt):
        count.proven += 1
        if !receipt.isSent { count.found += 1 }
        count.bytes += receipt.size
      }
      counts[record.destination] = count
    }
    return counts
  }

  package func hooks(of run: RunID) throws(Failure) -> [HookRecord] {
    hookRecords[run] ?? []
  }

  package func multipartUpload(
    of run: RunID, _ path: BytePath, at destination: DestinationName
  ) throws(Failure) -> MultipartUpload? {
    multiparts[UploadKey(run: run, path: path, destination: destination)]
  }

  package func abandonedUploads(of run: RunID?) throws(Failure) -> [MultipartUpload] {
    multiparts.values.filter { upload in
      (run == nil || upload.run == run) && runs[upload.run]?.state.isFinal == true
    }.sorted { $0.token < $1.token }
  }

  package func owner(ofStem stem: ObjectKey, at destination: DestinationName) throws(Failure) -> BytePath? {
    stems[Stem(key: stem, destination: destination)]
  }
}

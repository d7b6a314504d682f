import SlipwayModel

/// A ledger without a file. It keeps the port's contract (`ledgerConformance`), remembers every commit, and can be told
/// to fail.
package actor InMemoryLedger: Ledger {
  /// Every commit that went well, in order.
  package private(set) var commits: [[LedgerChange]] = []
  private var failure: Failure?
  private var order: [RunID] = []
  /// By which pages go on; a run that has been removed keeps its number.
  private var numbers: [RunID: Int64] = [:]
  private var trees: [TreeID] = []
  var runs: [RunID: Run] = [:]
  private var markers: [TreeID: MarkerIdentity] = [:]
  private var records: [UploadKey: UploadRecord] = [:]
  private var hookRecords: [RunID: [HookRecord]] = [:]
  private var stems: [Stem: BytePath] = [:]
  var mirrors = MirrorShelf()
  private var observers: [@Sendable ([LedgerChange]) -> Void] = []

  struct UploadKey: Hashable {
    let run: RunID
    let path: BytePath
    let destination: DestinationName
  }
  var multiparts: [UploadKey: MultipartUpload] = [:]
  var unanswered: Set<UnansweredUpload> = []
  /// With the number of the latest run that has been given another place.
  private var addresses: [DestinationName: (address: String, latestElsewhere: Int64)] = [:]
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
      case .answered, .forgetUploads, .forgetDestination, .stem, .expire, .forgetTrees: break
      case .mirrorPlace, .mirrorRoot, .mirrorMount, .mirrorMountsGone, .mirrored, .unmirrored: break
      case .unanswered, .unansweredEnded, .address: break
      }
    }
  }

  private func unknown(_ run: RunID) -> Failure {
    Failure(.permanent, "record", "run \(run)", code: "UnknownRun", cause: "the ledger has no such run")
  }

  private func apply(_ change: LedgerChange) {
    switch change {
    case .run(let run):
      if runs.updateValue(run, forKey: run.id) == nil {
        order.append(run.id)
        numbers[run.id] = Int64(numbers.count + 1)
      }
      if !trees.contains(run.tree) { trees.append(run.tree) }
    case .answered(let tree, let marker):
      markers[tree] = marker
      if marker != nil, !trees.contains(tree) { trees.append(tree) }
    case .uploads(let new):
      for record in new {
        records[UploadKey(run: record.run, path: record.path, destination: record.destination)] = record
      }
    case .inheritUploads(let id): inherit(id)
    case .forgetDestination(let run, let name):
      records = records.filter { $0.key.run != run || $0.key.destination != name }
      if let tree = runs[run]?.tree { mirrors.forgetContents(of: tree, at: name) }
    case .forgetUploads(let run, let path): records = records.filter { $0.key.run != run || $0.key.path != path }
    case .address(let destination, let address): set(address, of: destination)
    case .multipart, .part, .multipartEnded, .unanswered, .unansweredEnded: applyToMultiparts(change)
    case .hook(let record): save(record)
    case .expire(let run, let limit): expire(run, limit)
    case .forgetTrees(let trees): forget(trees)
    case .stem(let stem, let destination, let path): stems[Stem(key: stem, destination: destination)] = path
    case .mirrorPlace, .mirrorRoot, .mirrorMount, .mirrorMountsGone, .mirrored, .unmirrored: mirrors.apply(change)
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
      guard case .proven(let receipt) = record.status, lies(record) else { continue }
      let key = UploadKey(run: id, path: record.path, destination: record.destination)
      records[key] = UploadRecord(
        run: id, destination: record.destination, path: record.path, fingerprint: record.fingerprint, key: record.key,
        status: .proven(
          PutReceipt(size: receipt.size, etag: receipt.etag, checksum: receipt.checksum, isSent: false)))
    }
  }

  package func address(of destination: DestinationName) throws(Failure) -> String? { addresses[destination]?.address }

  private func set(_ address: String, of destination: DestinationName) {
    let known = addresses[destination]
    if known?.address == address { return }
    if known != nil {
      records = records.filter { $0.key.destination != destination || runs[$0.key.run]?.state.isFinal == true }
    }
    addresses[destination] = (address, known == nil ? 0 : numbers.values.max() ?? 0)
  }

  /// Whether it is true of the place where the destination is now.
  private func lies(_ record: UploadRecord) -> Bool {
    numbers[record.run] ?? 0 > addresses[record.destination]?.latestElsewhere ?? 0
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
    let end = filter.before.map { order.firstIndex(of: $0) ?? 0 } ?? order.endIndex
    let matching = order[..<end].compactMap { runs[$0] }.reversed().filter { run in
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

  func isAfter(_ path: BytePath, _ start: BytePath?) -> Bool {
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

  // MARK: History

  private func expire(_ id: RunID, _ limit: Int) {
    guard runs[id]?.state.isFinal == true, !multiparts.keys.contains(where: { $0.run == id }) else { return }
    let rows = records.keys.filter { $0.run == id }.sorted { $0.path < $1.path }
    for row in rows.prefix(limit) { records[row] = nil }
    if rows.count > limit { return }
    runs[id] = nil
    order.removeAll { $0 == id }
    hookRecords[id] = nil
  }

  private func forget(_ unused: [TreeID]) {
    for tree in unused where isForgotten(tree) {
      trees.removeAll { $0 == tree }
      if !trees.contains(where: { $0.path == tree.path }) { stems = stems.filter { $0.value != tree.path } }
    }
  }

  private func isForgotten(_ tree: TreeID) -> Bool {
    markers[tree] == nil && !mirrors.holds(tree) && !runs.values.contains { $0.tree == tree }
  }

  private func isExpired(_ run: Run, before time: Timestamp) -> Bool {
    let others = allRuns.filter { $0.tree == run.tree }
    return others.allSatisfy(\.state.isFinal) && run.updated < time
      && !multiparts.keys.contains { $0.run == run.id }
      && (run.state != .failed || markers[run.tree] == nil || others.last?.id != run.id)
  }

  package func expiredRuns(
    before time: Timestamp, from position: Int64, limit: Int
  ) throws(Failure) -> HistoryPage<RunID> {
    let page = allRuns.filter { numbers[$0.id] ?? 0 >= position }.prefix(limit)
    let isLast = page.count < limit || page.allSatisfy { $0.created >= time }
    return HistoryPage(
      elements: page.filter { isExpired($0, before: time) }.map(\.id),
      next: isLast ? nil : page.last.flatMap { numbers[$0.id] }.map { $0 + 1 })
  }

  package func forgottenTrees(from position: Int64, limit: Int) throws(Failure) -> HistoryPage<TreeID> {
    // In one page: what is removed of it moves the places of the others.
    HistoryPage(elements: trees.filter(isForgotten), next: nil)
  }

  package func owner(ofStem stem: ObjectKey, at destination: DestinationName) throws(Failure) -> BytePath? {
    stems[Stem(key: stem, destination: destination)]
  }
}

import SlipwayModel

/// A ledger around another one: what it does not do in a way of its own goes through.
protocol LedgerLayer: Ledger {
  nonisolated var kept: any Ledger { get }
}

extension LedgerLayer {
  func unfinishedRuns() async throws(Failure) -> [Run] { try await kept.unfinishedRuns() }
  func run(_ id: RunID) async throws(Failure) -> Run? { try await kept.run(id) }
  func latestRun(of tree: TreeID) async throws(Failure) -> Run? { try await kept.latestRun(of: tree) }

  func runs(matching filter: RunFilter, limit: Int) async throws(Failure) -> [Run] {
    try await kept.runs(matching: filter, limit: limit)
  }

  func answeredMarkers(of trees: [TreeID]) async throws(Failure) -> [TreeID: MarkerIdentity] {
    try await kept.answeredMarkers(of: trees)
  }

  func answeredTrees(
    _ workflow: WorkflowName, watch: BytePath, after name: BytePath?, limit: Int
  ) async throws(Failure) -> [AnsweredTree] {
    try await kept.answeredTrees(workflow, watch: watch, after: name, limit: limit)
  }

  func uploads(of run: RunID, after path: BytePath?, limit: Int) async throws(Failure) -> [UploadRecord] {
    try await kept.uploads(of: run, after: path, limit: limit)
  }

  func uploadCounts(of run: RunID) async throws(Failure) -> [DestinationName: UploadCounts] {
    try await kept.uploadCounts(of: run)
  }

  func hooks(of run: RunID) async throws(Failure) -> [HookRecord] { try await kept.hooks(of: run) }

  func abandonedUploads(of run: RunID?) async throws(Failure) -> [MultipartUpload] {
    try await kept.abandonedUploads(of: run)
  }
  func address(of destination: DestinationName) async throws(Failure) -> String? {
    try await kept.address(of: destination)
  }
  func unansweredUploads() async throws(Failure) -> [UnansweredUpload] { try await kept.unansweredUploads() }
  func hasMultipartUpload(to key: ObjectKey, at destination: DestinationName) async throws(Failure) -> Bool {
    try await kept.hasMultipartUpload(to: key, at: destination)
  }

  func expiredRuns(
    before time: Timestamp, from position: Int64, limit: Int
  ) async throws(Failure) -> HistoryPage<RunID> {
    try await kept.expiredRuns(before: time, from: position, limit: limit)
  }
  func forgottenTrees(from position: Int64, limit: Int) async throws(Failure) -> HistoryPage<TreeID> {
    try await kept.forgottenTrees(from: position, limit: limit)
  }

  func owners(
    ofStems stems: [(destination: DestinationName, key: ObjectKey)]
  ) async throws(Failure) -> [BytePath?] { try await kept.owners(ofStems: stems) }

  func owner(ofStem stem: ObjectKey, at destination: DestinationName) async throws(Failure) -> BytePath? {
    try await kept.owner(ofStem: stem, at: destination)
  }

  func multipartUpload(
    of run: RunID, _ path: BytePath, at destination: DestinationName
  ) async throws(Failure) -> MultipartUpload? {
    try await kept.multipartUpload(of: run, path, at: destination)
  }

  func mirrorPlace(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorPlace? {
    try await kept.mirrorPlace(of: tree, at: destination)
  }
  func mirrorRoot(of tree: TreeID) async throws(Failure) -> DirectoryIdentity? { try await kept.mirrorRoot(of: tree) }
  func mirrorMounts(of tree: TreeID) async throws(Failure) -> [BytePath] { try await kept.mirrorMounts(of: tree) }
  func mirrored(
    by tree: TreeID, within path: BytePath, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject] {
    try await kept.mirrored(by: tree, within: path, after: last, limit: limit)
  }
  func mirrored(by tree: TreeID, inode: UInt64) async throws(Failure) -> [MirroredObject] {
    try await kept.mirrored(by: tree, inode: inode)
  }
  func mirroredToDelete(
    by tree: TreeID, at destination: DestinationName, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject] {
    try await kept.mirroredToDelete(by: tree, at: destination, after: last, limit: limit)
  }
  func mirrorCounts(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorCounts {
    try await kept.mirrorCounts(of: tree, at: destination)
  }
}

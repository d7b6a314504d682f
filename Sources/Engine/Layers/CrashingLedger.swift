#if DEBUG
  import SlipwayModel

  /// A ledger with a point before and after each commit; what only reads goes through.
  struct CrashingLedger: Ledger {
    private let ledger: any Ledger
    private let points: CrashPoints

    init(_ ledger: any Ledger, _ points: CrashPoints) {
      self.ledger = ledger
      self.points = points
    }

    func commit(_ changes: [LedgerChange]) async throws(Failure) {
      points.pass("ledger.commit.before")
      try await ledger.commit(changes)
      points.pass("ledger.commit.after")
    }

    func unfinishedRuns() async throws(Failure) -> [Run] { try await ledger.unfinishedRuns() }
    func run(_ id: RunID) async throws(Failure) -> Run? { try await ledger.run(id) }
    func latestRun(of tree: TreeID) async throws(Failure) -> Run? { try await ledger.latestRun(of: tree) }

    func runs(matching filter: RunFilter, limit: Int) async throws(Failure) -> [Run] {
      try await ledger.runs(matching: filter, limit: limit)
    }

    func answeredMarkers(of trees: [TreeID]) async throws(Failure) -> [TreeID: MarkerIdentity] {
      try await ledger.answeredMarkers(of: trees)
    }

    func answeredTrees(
      _ workflow: WorkflowName, watch: BytePath, after name: BytePath?, limit: Int
    ) async throws(Failure) -> [AnsweredTree] {
      try await ledger.answeredTrees(workflow, watch: watch, after: name, limit: limit)
    }

    func uploads(of run: RunID, after path: BytePath?, limit: Int) async throws(Failure) -> [UploadRecord] {
      try await ledger.uploads(of: run, after: path, limit: limit)
    }

    func uploadCounts(of run: RunID) async throws(Failure) -> [DestinationName: UploadCounts] {
      try await ledger.uploadCounts(of: run)
    }

    func hooks(of run: RunID) async throws(Failure) -> [HookRecord] { try await ledger.hooks(of: run) }

    func abandonedUploads(of run: RunID?) async throws(Failure) -> [MultipartUpload] {
      try await ledger.abandonedUploads(of: run)
    }

    func expiredRuns(
      before time: Timestamp, from position: Int64, limit: Int
    ) async throws(Failure) -> HistoryPage<RunID> {
      try await ledger.expiredRuns(before: time, from: position, limit: limit)
    }
    func forgottenTrees(from position: Int64, limit: Int) async throws(Failure) -> HistoryPage<TreeID> {
      try await ledger.forgottenTrees(from: position, limit: limit)
    }

    func owners(
      ofStems stems: [(destination: DestinationName, key: ObjectKey)]
    ) async throws(Failure) -> [BytePath?] { try await ledger.owners(ofStems: stems) }

    func owner(ofStem stem: ObjectKey, at destination: DestinationName) async throws(Failure) -> BytePath? {
      try await ledger.owner(ofStem: stem, at: destination)
    }

    func multipartUpload(
      of run: RunID, _ path: BytePath, at destination: DestinationName
    ) async throws(Failure) -> MultipartUpload? {
      try await ledger.multipartUpload(of: run, path, at: destination)
    }

    func mirrorPlace(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorPlace? {
      try await ledger.mirrorPlace(of: tree, at: destination)
    }
    func mirrored(
      by tree: TreeID, within path: BytePath, after last: BytePath?, limit: Int
    ) async throws(Failure) -> [MirroredObject] {
      try await ledger.mirrored(by: tree, within: path, after: last, limit: limit)
    }
    func mirrored(by tree: TreeID, inode: UInt64) async throws(Failure) -> [MirroredObject] {
      try await ledger.mirrored(by: tree, inode: inode)
    }
    func mirroredToDelete(
      by tree: TreeID, at destination: DestinationName, after last: BytePath?, limit: Int
    ) async throws(Failure) -> [MirroredObject] {
      try await ledger.mirroredToDelete(by: tree, at: destination, after: last, limit: limit)
    }
    func mirrorCounts(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorCounts {
      try await ledger.mirrorCounts(of: tree, at: destination)
    }
  }
#endif

import SlipwayModel

/// The ledger where there is none yet: nothing has been run. It keeps nothing, and says so.
struct EmptyLedger: Ledger {
  func commit(_ changes: [LedgerChange]) async throws(Failure) {
    throw Failure(.fatal, "write", "the ledger", cause: "it was opened for reading only")
  }

  func unfinishedRuns() async throws(Failure) -> [Run] { [] }
  func run(_ id: RunID) async throws(Failure) -> Run? { nil }
  func latestRun(of tree: TreeID) async throws(Failure) -> Run? { nil }
  func runs(matching filter: RunFilter, limit: Int) async throws(Failure) -> [Run] { [] }
  func answeredMarkers(of trees: [TreeID]) async throws(Failure) -> [TreeID: MarkerIdentity] { [:] }
  func answeredTrees(
    _ workflow: WorkflowName, watch: BytePath, after name: BytePath?, limit: Int
  ) async throws(Failure) -> [AnsweredTree] { [] }
  func uploads(of run: RunID, after path: BytePath?, limit: Int) async throws(Failure) -> [UploadRecord] { [] }
  func uploadCounts(of run: RunID) async throws(Failure) -> [DestinationName: UploadCounts] { [:] }
  func hooks(of run: RunID) async throws(Failure) -> [HookRecord] { [] }
  func multipartUpload(
    of run: RunID, _ path: BytePath, at destination: DestinationName
  ) async throws(Failure) -> MultipartUpload? { nil }
  func abandonedUploads(of run: RunID?) async throws(Failure) -> [MultipartUpload] { [] }
  func address(of destination: DestinationName) async throws(Failure) -> String? { nil }
  func unansweredUploads() async throws(Failure) -> [UnansweredUpload] { [] }
  func hasMultipartUpload(to key: ObjectKey, at destination: DestinationName) async throws(Failure) -> Bool { false }
  func expiredRuns(
    before time: Timestamp, from position: Int64, limit: Int
  ) async throws(Failure) -> HistoryPage<RunID> {
    HistoryPage(elements: [], next: nil)
  }
  func forgottenTrees(from position: Int64, limit: Int) async throws(Failure) -> HistoryPage<TreeID> {
    HistoryPage(elements: [], next: nil)
  }
  func owner(ofStem stem: ObjectKey, at destination: DestinationName) async throws(Failure) -> BytePath? { nil }
  func mirrorPlace(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorPlace? { nil }
  func mirrorRoot(of tree: TreeID) async throws(Failure) -> DirectoryIdentity? { nil }
  func mirrorMounts(of tree: TreeID) async throws(Failure) -> [BytePath] { [] }
  func mirrored(
    by tree: TreeID, within path: BytePath, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject] { [] }
  func mirrored(by tree: TreeID, inode: UInt64) async throws(Failure) -> [MirroredObject] { [] }
  func mirroredToDelete(
    by tree: TreeID, at destination: DestinationName, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject] { [] }
  func mirrorCounts(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorCounts {
    MirrorCounts()
  }
}

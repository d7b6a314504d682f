/// The durable record of runs and their uploads. Every method may be called from any task.
///
/// A ledger that cannot keep a record throws a fatal failure, and goes on doing so: no effect may follow a change that
/// was not committed.
public protocol Ledger: UploadJournal, MirrorRecords {
  /// Makes all `changes` durable, or none; returns when they are. `.uploads`, `.mirrored` and `.part` alone may be lost
  /// with the machine's power (what they tell of is sent again), never with the process. Callers that come together
  /// share one commit.
  func commit(_ changes: [LedgerChange]) async throws(Failure)

  /// Every run that is not final, oldest first.
  func unfinishedRuns() async throws(Failure) -> [Run]

  /// The run with this ID.
  func run(_ id: RunID) async throws(Failure) -> Run?

  /// The latest run of a tree.
  func latestRun(of tree: TreeID) async throws(Failure) -> Run?

  /// The newest runs first, at most `limit`.
  func runs(matching filter: RunFilter, limit: Int) async throws(Failure) -> [Run]

  /// The markers of these trees that have been answered, and what stands in their place where trees have none; a tree
  /// is left out if there is none, or if it has been seen gone since.
  func answeredMarkers(of trees: [TreeID]) async throws(Failure) -> [TreeID: MarkerIdentity]

  /// The trees of a workflow under a watched directory of which that has been answered, in byte order of their names,
  /// after `name`, at most `limit`.
  func answeredTrees(
    _ workflow: WorkflowName, watch: BytePath, after name: BytePath?, limit: Int
  ) async throws(Failure) -> [AnsweredTree]

  /// What is known of a run's files, in byte order of path, then destination, after `path`; whole paths, about
  /// `limit` rows.
  func uploads(of run: RunID, after path: BytePath?, limit: Int) async throws(Failure) -> [UploadRecord]

  /// What became of a run's files, a destination each; one without a row is left out.
  func uploadCounts(of run: RunID) async throws(Failure) -> [DestinationName: UploadCounts]

  /// The latest start of each hook of a run, in order of their first start.
  func hooks(of run: RunID) async throws(Failure) -> [HookRecord]

  /// Where the objects of a destination lie, as it was last told; nil if it never was.
  func address(of destination: DestinationName) async throws(Failure) -> String?

  /// Multipart uploads of runs that are over, which nobody goes on with; those of `run` alone, if it is over, or of all
  /// for nil. Without their parts.
  func abandonedUploads(of run: RunID?) async throws(Failure) -> [MultipartUpload]

  /// Requests for multipart uploads of which it is not known what they have made, those first that are long ago.
  func unansweredUploads() async throws(Failure) -> [UnansweredUpload]

  /// Whether a multipart upload to this key is under way, or still to be ended.
  func hasMultipartUpload(to key: ObjectKey, at destination: DestinationName) async throws(Failure) -> Bool

  /// Ended runs that need not be remembered: last changed before `time`, of a tree that is in no run, and without a
  /// multipart upload that is still to be ended. A failed run that is the latest of its tree stays as long as the tree
  /// has an answered marker: it can be retried. Looks at no more than `limit` runs, in the order in which they came,
  /// from `position` on; 0 is the beginning.
  func expiredRuns(
    before time: Timestamp, from position: Int64, limit: Int
  ) async throws(Failure) -> HistoryPage<RunID>

  /// Trees of which nothing is known any more: no run, and no answered marker. Looks at no more than `limit` trees,
  /// from `position` on; 0 is the beginning.
  func forgottenTrees(from position: Int64, limit: Int) async throws(Failure) -> HistoryPage<TreeID>

  /// Which tree's path the ledger shows for a key stem at a destination; nil if no tree has used it.
  func owner(ofStem stem: ObjectKey, at destination: DestinationName) async throws(Failure) -> BytePath?

  /// The same for several, in their order.
  func owners(ofStems stems: [(destination: DestinationName, key: ObjectKey)]) async throws(Failure) -> [BytePath?]
}

extension Ledger {
  /// The marker of one tree.
  public func answeredMarker(of tree: TreeID) async throws(Failure) -> MarkerIdentity? {
    try await answeredMarkers(of: [tree])[tree]
  }

  public func owners(
    ofStems stems: [(destination: DestinationName, key: ObjectKey)]
  ) async throws(Failure) -> [BytePath?] {
    var owners: [BytePath?] = []
    for (destination, key) in stems { owners.append(try await owner(ofStem: key, at: destination)) }
    return owners
  }

  public func begin(_ upload: MultipartUpload) async throws(Failure) { try await commit([.multipart(upload)]) }

  public func prove(_ part: MultipartUpload.Part, of upload: MultipartUpload) async throws(Failure) {
    try await commit([.part(part, of: upload)])
  }

  public func end(_ upload: MultipartUpload) async throws(Failure) { try await commit([.multipartEnded(upload)]) }

  public func leave(_ upload: UnansweredUpload) async throws(Failure) { try await commit([.unanswered(upload)]) }
}

/// A tree whose marker, or what stands in its place, has been answered.
public struct AnsweredTree: Sendable, Hashable {
  public let name: BytePath
  public let marker: MarkerIdentity
  /// Whether its latest run has failed.
  public let hasFailed: Bool

  public init(name: BytePath, marker: MarkerIdentity, hasFailed: Bool) {
    self.name = name
    self.marker = marker
    self.hasFailed = hasFailed
  }
}

/// One change of the ledger.
public enum LedgerChange: Sendable, Hashable {
  /// Inserts the run, or replaces its row.
  case run(Run)
  /// The tree's marker has been answered; nil: it has been seen gone.
  case answered(TreeID, MarkerIdentity?)
  /// Inserts the rows, or replaces those of the same run, destination and path.
  case uploads([UploadRecord])
  /// Gives the run, unless it has rows of its own, what the latest earlier run of its tree that has rows has proven, as
  /// found equal.
  case inheritUploads(RunID)
  /// Removes the rows of a path that is no longer part of the run.
  case forgetUploads(RunID, path: BytePath)
  /// Removes the rows of a destination that could not keep what it had been given; of a mirror, what is known of the
  /// content of its objects there.
  case forgetDestination(RunID, DestinationName)
  /// Where the objects of a destination lie. If that is another place than before, the rows of runs that are not over are
  /// removed, and no later run inherits those of the runs so far.
  case address(DestinationName, String)
  /// Inserts the upload, or replaces that of the same run, path and destination with its parts; one that only gains its
  /// ID keeps them.
  case multipart(MultipartUpload)
  /// A part of the upload of this run, path and destination, in place of the one of the same number.
  case part(MultipartUpload.Part, of: MultipartUpload)
  /// Removes the upload of this run, path, destination and token with its parts.
  case multipartEnded(MultipartUpload)
  /// What a request has made, the answer to which was never heard, is to be looked for, with what is looked for already
  /// under the same key.
  case unanswered(UnansweredUpload)
  /// It need not be looked for any more, unless a later request has been noted since.
  case unansweredEnded(UnansweredUpload)
  /// Inserts the hook's record, or replaces the one of the same run, phase and hook.
  case hook(HookRecord)
  /// Removes at most `limit` upload rows of an ended run, and the run itself with its hooks once none is left. Nothing
  /// if it is under way again, or has a multipart upload that is still to be ended.
  case expire(RunID, limit: Int)
  /// Removes trees without a run and an answered marker; and the stems of their paths, unless another tree has that path.
  case forgetTrees([TreeID])
  /// The objects under this key stem (destination's prefix included) come from the tree at this path.
  case stem(ObjectKey, at: DestinationName, from: BytePath)
  /// Where the mirror's objects lie at a destination. With another address than before all that was known is forgotten.
  case mirrorPlace(TreeID, DestinationName, MirrorPlace)
  /// The directory of which the mirror was made, in place of the former one.
  case mirrorRoot(TreeID, DirectoryIdentity)
  /// Another file system has been seen on this directory of a mirror.
  case mirrorMount(TreeID, BytePath)
  /// None is expected on these directories any more.
  case mirrorMountsGone(TreeID, [BytePath])
  /// Inserts the rows of a mirror, or replaces those of the same path and destination.
  case mirrored(TreeID, [MirroredObject])
  /// Removes the rows of a mirror for these paths at the destination.
  case unmirrored(TreeID, DestinationName, [BytePath])
}

/// What a look at a part of the ledger has found.
public struct HistoryPage<Element: Sendable & Hashable>: Sendable, Hashable {
  public var elements: [Element]
  /// Where the next look begins; nil at the end.
  public var next: Int64?

  public init(elements: [Element], next: Int64?) {
    self.elements = elements
    self.next = next
  }
}

/// Which runs to list; nil takes all.
public struct RunFilter: Sendable, Hashable {
  public var workflow: WorkflowName?
  /// `RunState.name`.
  public var state: String?
  /// Only runs that came before this one: for the next page of a list.
  public var before: RunID?

  public init(workflow: WorkflowName? = nil, state: String? = nil, before: RunID? = nil) {
    self.workflow = workflow
    self.state = state
    self.before = before
  }
}

/// What became of a run's files at one destination.
public struct UploadCounts: Sendable, Hashable {
  public var proven: Int
  /// How many of the proven ones lay there already, equal, and were not sent.
  public var found: Int
  public var failed: Int
  /// Of the proven ones.
  public var bytes: Int64
  /// The message of the first failed one in byte order of path; empty if none failed.
  public var error: String

  public init(proven: Int = 0, found: Int = 0, failed: Int = 0, bytes: Int64 = 0, error: String = "") {
    self.proven = proven
    self.found = found
    self.failed = failed
    self.bytes = bytes
    self.error = error
  }

  public static func + (one: UploadCounts, other: UploadCounts) -> UploadCounts {
    UploadCounts(
      proven: one.proven + other.proven, found: one.found + other.found, failed: one.failed + other.failed,
      bytes: one.bytes + other.bytes, error: one.error.isEmpty ? other.error : one.error)
  }
}

import SlipwayModel

/// A run's ledger rows in byte order of path, a page at a time.
struct UploadRowPages {
  static let pageSize = 1000

  private let ledger: any Ledger
  private let run: RunID
  private var page: ArraySlice<UploadRecord> = []
  private var isExhausted: Bool

  /// `isEmpty` spares the question where the run has no rows yet.
  init(of run: RunID, in ledger: any Ledger, isEmpty: Bool) {
    self.run = run
    self.ledger = ledger
    self.isExhausted = isEmpty
  }

  /// The rows of the next path that is smaller than `path`, or of any next path for nil: files that the walk did not
  /// find.
  nonisolated(nonsending) mutating func takeRows(before path: BytePath?) async throws(Failure) -> [UploadRecord]? {
    try await fill()
    guard let first = page.first, path.map({ first.path < $0 }) ?? true else { return nil }
    return takeRows(ofFirst: first.path)
  }

  /// The rows of `path`; none if the ledger does not know it.
  nonisolated(nonsending) mutating func takeRows(of path: BytePath) async throws(Failure) -> [UploadRecord] {
    try await fill()
    return page.first?.path == path ? takeRows(ofFirst: path) : []
  }

  private mutating func takeRows(ofFirst path: BytePath) -> [UploadRecord] {
    let rows = page.prefix { $0.path == path }
    page = page.dropFirst(rows.count)
    if page.isEmpty { lastTaken = path }
    return Array(rows)
  }

  private var lastTaken: BytePath?

  nonisolated(nonsending) private mutating func fill() async throws(Failure) {
    guard page.isEmpty, !isExhausted else { return }
    let next = try await ledger.uploads(of: run, after: lastTaken, limit: Self.pageSize)
    page = next[...]
    isExhausted = next.isEmpty
  }
}

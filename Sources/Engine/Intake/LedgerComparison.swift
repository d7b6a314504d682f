import SlipwayModel

/// A walk of a watched directory merged with the ledger: what is not as it was answered, and what is no longer there.
/// Both come in byte order, so that nothing is held but a page. Not for two tasks at once.
final class LedgerComparison {
  /// Names relative to the watched directory.
  enum Step: Sendable {
    /// A file that is new or has another fingerprint, or, if so wanted, whose latest run has failed.
    case changed(BytePath)
    /// The ledger has it, the directory has not.
    case gone(BytePath)
    case unreadable(Failure)
  }

  private let walk: any TreeWalk
  private let retakesFailed: Bool
  private var pages: AnsweredPages
  private var held: WalkEntry?
  private var hasEnded = false
  /// The directory that could not be read last: nothing is concluded of what lies in it.
  private var unreadable: BytePath?

  init(
    of walk: any TreeWalk, with ledger: any Ledger, _ workflow: WorkflowName, _ watch: BytePath, retakesFailed: Bool
  ) {
    self.walk = walk
    self.retakesFailed = retakesFailed
    pages = AnsweredPages(ledger, workflow, watch)
  }

  /// The next step, nil at the end, and where the task is cancelled.
  nonisolated(nonsending) func next() async throws(Failure) -> Step? {
    while !Task.isCancelled {
      let entry = nextEntry()
      if let row = try await pages.take(before: entry?.path) {
        held = entry
        if let unreadable, row.name.isWithin(unreadable) { continue }
        return .gone(row.name)
      }
      guard let entry else { return nil }
      let row = try await pages.take(entry.path)
      if let step = step(entry, row) { return step }
    }
    return nil
  }

  private func nextEntry() -> WalkEntry? {
    if let entry = held {
      held = nil
      return entry
    }
    // A walk is not asked again once it has ended.
    let entry = hasEnded ? nil : walk.next()
    hasEnded = entry == nil
    return entry
  }

  private func step(_ entry: WalkEntry, _ row: AnsweredTree?) -> Step? {
    switch entry.kind {
    case .file(let fingerprint):
      let isAnswered = row?.marker == TreeDigest(of: fingerprint).identity
      return isAnswered && !(retakesFailed && row?.hasFailed == true) ? nil : .changed(entry.path)
    case .unreadable(let failure):
      unreadable = entry.path
      return .unreadable(failure)
    // What was a file has gone.
    case .link, .special: return row.map { .gone($0.name) }
    }
  }
}

/// What the ledger has answered below a watched directory, a page at a time.
struct AnsweredPages {
  static let pageSize = 1000

  private let ledger: any Ledger
  private let workflow: WorkflowName
  private let watch: BytePath
  private var page: ArraySlice<AnsweredTree> = []
  private var last: BytePath?
  private var isExhausted = false

  init(_ ledger: any Ledger, _ workflow: WorkflowName, _ watch: BytePath) {
    self.ledger = ledger
    self.workflow = workflow
    self.watch = watch
  }

  /// The next one whose name is smaller than `name`; any next one for nil.
  nonisolated(nonsending) mutating func take(before name: BytePath?) async throws(Failure) -> AnsweredTree? {
    try await fill()
    guard let first = page.first, name.map({ first.name < $0 }) ?? true else { return nil }
    return page.popFirst()
  }

  /// The one of this name; nil if there is none.
  nonisolated(nonsending) mutating func take(_ name: BytePath) async throws(Failure) -> AnsweredTree? {
    try await fill()
    return page.first?.name == name ? page.popFirst() : nil
  }

  nonisolated(nonsending) private mutating func fill() async throws(Failure) {
    guard page.isEmpty, !isExhausted else { return }
    let next = try await ledger.answeredTrees(workflow, watch: watch, after: last, limit: Self.pageSize)
    page = next[...]
    last = next.last?.name ?? last
    isExhausted = next.isEmpty
  }
}

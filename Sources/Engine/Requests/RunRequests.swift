import Logging
import SlipwayModel

/// What a person wants of single runs, done in the ledger: of runs that are not under way in any process.
///
/// Refusals are failures with the codes of `RunRefusal`; others are the ports'.
public struct RunRequests: RunControl {
  let ports: EnginePorts
  let logger: Logger
  /// So many failed runs are looked at in one step.
  let pageSize: Int
  /// So many of the newest runs are looked at for an ID like one that is not known.
  public static let limit = 1000

  public init(ports: EnginePorts, logger: Logger, pageSize: Int = 256) {
    self.ports = ports
    self.logger = logger
    self.pageSize = pageSize
  }

  /// The run with this ID. Throws a refusal that names the nearest one.
  func known(_ id: RunID, _ verb: String, unrecorded: Run? = nil) async throws(Failure) -> Run {
    if let run = try await ports.ledger.run(id) { return run }
    if let unrecorded { return unrecorded }
    let others = try await ports.ledger.runs(matching: RunFilter(), limit: Self.limit).map(\.id.text)
    throw RunRefusal.unknown(verb, id, nearest: nearest(to: id.text, among: others))
  }

  // MARK: Retry

  /// A failed run goes on where it failed, as soon as a process runs its workflow; it is committed when this returns.
  public func retry(_ id: RunID) async throws(Failure) -> Run {
    try await commitRetry(try await retryable(id))
  }

  /// The run, if it has failed and nothing else has been or is being done with its tree since.
  func retryable(_ id: RunID) async throws(Failure) -> Run {
    let run = try await known(id, "retry")
    guard run.state == .failed else { throw RunRefusal.notFailed(run) }
    if let later = try await ports.ledger.latestRun(of: run.tree), later.id != id {
      throw RunRefusal.superseded(run, by: later)
    }
    if try !lies(run.tree) { throw RunRefusal.treeIsGone(run) }
    let unfinished = try await ports.ledger.unfinishedRuns()
    if let other = unfinished.first(where: { $0.state != .ready && $0.tree.overlaps(run.tree) }) {
      throw RunRefusal.treeIsTaken(run, by: other.id)
    }
    return run
  }

  func commitRetry(_ run: Run) async throws(Failure) -> Run {
    var run = run
    _ = run.apply(
      .retried,
      in: TransitionContext(now: ports.clock.now(), retry: RetryPolicy(), jitter: 0, countsBlocked: false))
    try await ports.ledger.commit([.run(run)])
    logger.notice("run is retried", metadata: ["run": "\(run.id)", "tree": "\(run.tree.path)"])
    return run
  }

  public func allFailed() async throws(Failure) -> [RunID] {
    var found: [RunID] = []
    var filter = RunFilter(state: "failed")
    while true {
      let page = try await ports.ledger.runs(matching: filter, limit: pageSize)
      for run in page where try await ports.ledger.latestRun(of: run.tree)?.id == run.id {
        if try lies(run.tree) { found.append(run.id) }
      }
      guard page.count == pageSize, let last = page.last else { return found.reversed() }
      filter.before = last.id
    }
  }

  private func lies(_ tree: TreeID) throws(Failure) -> Bool {
    do throws(Failure) {
      _ = try ports.files.walk(tree.path)
      return true
    } catch {
      if error.code == "ENOENT" || error.code == "ENOTDIR" { return false }
      throw error
    }
  }

  // MARK: Cancel

  public func cancel(_ id: RunID) async throws(Failure) -> CancelledRun {
    try await cancel(id, unrecorded: nil)
  }

  /// `unrecorded` is the run as an engine has it, for one of which the ledger knows nothing: a file of a queue may be
  /// sent with others, and the claim is all there is before.
  func cancel(_ id: RunID, unrecorded: Run?) async throws(Failure) -> CancelledRun {
    var run = try await known(id, "cancel", unrecorded: unrecorded)
    if run.state.isFinal { throw RunRefusal.isOver(run) }
    run.cancel("cancelled by hand", at: ports.clock.now())
    do throws(Failure) { try ports.runFiles.remove(id) } catch { logger.warning("\(error.message)") }
    try await ports.ledger.commit([.run(run)])
    logger.notice("run cancelled", metadata: ["run": "\(id)", "tree": "\(run.tree.path)"])
    try await UploadReaper(ports: ports, logger: logger).reap(id)
    return CancelledRun(run: run, left: try await ports.ledger.uploadCounts(of: id))
  }
}

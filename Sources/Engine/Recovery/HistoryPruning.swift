import Logging
import SlipwayModel

/// Removes from the ledger what ended longer ago than the settings keep it. What stays of a tree is the marker that was
/// answered and whose keys are whose, until a scan no longer finds the marker; then that goes, too.
struct HistoryPruning: Sendable {
  let ports: EnginePorts
  let keep: Duration
  let logger: Logger

  /// From one pass to the next.
  static let interval = Duration.seconds(3600)
  /// So many runs or trees are looked at in one step, between which others use the ledger.
  static let pageSize = 256
  /// So many rows go with one commit.
  static let batchSize = 1024

  /// One pass. A cancelled task ends it after a step; the next pass begins anew. Throws a fatal failure alone.
  func prune() async throws(Failure) {
    let time = ports.clock.now() + (.zero - keep)
    var count = 0
    var position: Int64? = 0
    while let start = position, start == 0 || !Task.isCancelled {
      let page = try await ports.ledger.expiredRuns(before: time, from: start, limit: Self.pageSize)
      for run in page.elements { if try await remove(run) { count += 1 } }
      position = page.next
    }
    if count > 0 { logger.info("runs removed from the ledger, as settings.keep says: \(count)") }
    position = 0
    while let start = position, !Task.isCancelled {
      let page = try await ports.ledger.forgottenTrees(from: start, limit: Self.pageSize)
      if !page.elements.isEmpty { try await ports.ledger.commit([.forgetTrees(page.elements)]) }
      position = page.next
    }
  }

  /// False if it is under way again, or if the process is to end.
  private func remove(_ run: RunID) async throws(Failure) -> Bool {
    repeat {
      try await ports.ledger.commit([.expire(run, limit: Self.batchSize)])
      guard let left = try await ports.ledger.run(run) else { return true }
      if !left.state.isFinal { return false }
    } while !Task.isCancelled
    return false
  }
}

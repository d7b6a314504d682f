import RunLedger
import SlipwayModel

extension World {
  /// Whether the ledger comes to have `count` files of the latest run as proven. Of that the server knows nothing: it has
  /// stored an object before its answer has arrived.
  func hasRecorded(_ count: Int) async throws -> Bool {
    let ledger = try await SQLiteLedger(readingAt: BytePath(scratch("state")))
    let deadline = ContinuousClock.now + World.limit
    var proven = 0
    while proven < count, ContinuousClock.now < deadline {
      // Nobody tells us of what another process writes.
      try await Task.sleep(for: .milliseconds(5))
      guard let run = try await ledger.runs(matching: RunFilter(), limit: 1).first else { continue }
      proven = try await ledger.uploadCounts(of: run.id).values.map(\.proven).reduce(0, +)
    }
    await ledger.close()
    return proven >= count
  }
}

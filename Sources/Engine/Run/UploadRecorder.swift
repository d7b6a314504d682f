import SlipwayModel
import Synchronization

/// Gathers what has been proven, so that the ledger writes many rows at once: a row waits at most `delay`.
///
/// A row that was not written when the process died costs that file one more PUT, nothing else.
final class UploadRecorder: Sendable {
  private struct State {
    var rows: [UploadRecord] = []
    var isScheduled = false
    var writesUnderWay = 0
    var idle: CheckedContinuation<Void, Never>?
    var failure: Failure?
  }

  static let delay = Duration.milliseconds(20)
  /// So many rows are written without waiting longer.
  static let rowLimit = 512

  private let ledger: any Ledger
  private let clock: any Clock
  private let state = Mutex(State())

  init(ledger: any Ledger, clock: any Clock) {
    self.ledger = ledger
    self.clock = clock
  }

  /// Whether a row could not be written.
  var hasFailed: Bool { state.withLock { $0.failure != nil } }

  /// Takes a row; writes what has gathered when it is enough. Any task.
  nonisolated(nonsending) func record(_ row: UploadRecord) async {
    let (isFull, mustSchedule) = state.withLock { state in
      state.rows.append(row)
      let mustSchedule = !state.isScheduled
      state.isScheduled = true
      return (state.rows.count >= Self.rowLimit, mustSchedule)
    }
    if isFull { await flush() }
    if mustSchedule { schedule() }
  }

  /// Writes what is left; throws if any row could not be written. Called once everything is recorded.
  func finish() async throws(Failure) {
    await flush()
    await waitUntilIdle()
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  private func schedule() {
    Task {
      // A cancelled wait writes at once, which is never wrong.
      try? await clock.sleep(until: clock.now() + Self.delay)
      state.withLock { $0.isScheduled = false }
      await flush()
    }
  }

  nonisolated(nonsending) private func flush() async {
    let rows = state.withLock { state in
      let rows = state.rows
      state.rows = []
      if !rows.isEmpty { state.writesUnderWay += 1 }
      return rows
    }
    guard !rows.isEmpty else { return }
    var failure: Failure?
    do throws(Failure) {
      try await ledger.commit([.uploads(rows)])
    } catch {
      failure = error
    }
    ended(with: failure)
  }

  private func ended(with failure: Failure?) {
    let waiting = state.withLock { state in
      state.writesUnderWay -= 1
      state.failure = state.failure ?? failure
      guard state.writesUnderWay == 0 else { return CheckedContinuation<Void, Never>?.none }
      defer { state.idle = nil }
      return state.idle
    }
    waiting?.resume()
  }

  private func waitUntilIdle() async {
    await withCheckedContinuation { continuation in
      let isIdle = state.withLock { state in
        if state.writesUnderWay > 0 { state.idle = continuation }
        return state.writesUnderWay == 0
      }
      if isIdle { continuation.resume() }
    }
  }
}

import SlipwayModel
import Synchronization

/// Gathers what has been proven, so that the ledger writes many rows at once: a row waits at most `delay`.
///
/// A row that was not written when the process died costs that file one more PUT, nothing else.
final class UploadRecorder: Sendable {
  private struct State {
    var rows: [UploadRecord] = []
    /// Of a mirror: keys at which nobody knows what lies.
    var unknown: [MirroredObject] = []
    var isScheduled = false
    var writesUnderWay = 0
    var idle: CheckedContinuation<Void, Never>?
    var failure: Failure?
  }

  static let delay = Duration.milliseconds(20)
  /// So many rows are written without waiting longer.
  static let rowLimit = 512

  private let mirror: TreeID?
  private let ledger: any Ledger
  private let clock: any Clock
  private let state = Mutex(State())

  /// `mirror` is the tree if it is one: then what has been proven stands there, too.
  init(ledger: any Ledger, clock: any Clock, mirror: TreeID? = nil) {
    self.mirror = mirror
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

  /// Takes that nobody knows what lies at the key of a file that has changed. Written with the next rows.
  func recordUnknown(_ path: BytePath, at destination: DestinationName) {
    state.withLock { $0.unknown.append(MirroredObject(path: path, destination: destination, content: nil)) }
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
    let (rows, unknown) = state.withLock { state in
      let (rows, unknown) = (state.rows, state.unknown)
      (state.rows, state.unknown) = ([], [])
      if !rows.isEmpty || !unknown.isEmpty { state.writesUnderWay += 1 }
      return (rows, unknown)
    }
    guard !rows.isEmpty || !unknown.isEmpty else { return }
    var failure: Failure?
    do throws(Failure) {
      var changes: [LedgerChange] = rows.isEmpty ? [] : [.uploads(rows)]
      if let mirror { changes.append(.mirrored(mirror, rows.map(\.mirrored) + unknown)) }
      try await ledger.commit(changes)
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

extension UploadRecord {
  /// What it says of the key of a mirror: after a failure nobody knows what lies there.
  fileprivate var mirrored: MirroredObject {
    let content: MirroredObject.Content? =
      if case .proven(let receipt) = status {
        MirroredObject.Content(fingerprint: fingerprint, receipt: receipt)
      } else { nil }
    return MirroredObject(path: path, destination: destination, content: content)
  }
}

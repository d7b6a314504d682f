import DequeModule
import SlipwayModel
import Synchronization

/// The places for requests in flight, over all runs: whoever waits longest is next.
final class TransferSlots: TransferPermits {
  private struct State {
    var free: Int
    var waiting: Deque<CheckedContinuation<Void, Never>> = []
  }

  /// How many there are, free or not.
  let count: Int
  private let state: Mutex<State>

  init(_ count: Int) {
    self.count = count
    state = Mutex(State(free: count))
  }

  /// Waits for a place. Each one that is acquired must be released.
  nonisolated(nonsending) func acquire() async {
    if tryAcquire() { return }
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        if state.free > 0 {
          state.free -= 1
          return true
        }
        state.waiting.append(continuation)
        return false
      }
      if isFree { continuation.resume() }
    }
  }

  func release() {
    let isAwaited = state.withLock { state in
      if state.waiting.isEmpty { state.free += 1 }
      return !state.waiting.isEmpty
    }
    // Apart, because hardly anybody waits, and an optional continuation costs more than all the rest.
    if isAwaited { handOver() }
  }

  /// Gives the place to whoever waits; only who releases one takes waiters away, but meanwhile another may have.
  private func handOver() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      if let next = state.waiting.popFirst() { return next }
      state.free += 1
      return nil
    }
    next?.resume()
  }

  func tryTake() -> Bool { tryAcquire() }
  func giveBack() { release() }

  private func tryAcquire() -> Bool {
    state.withLock { state in
      guard state.free > 0, state.waiting.isEmpty else { return false }
      state.free -= 1
      return true
    }
  }
}

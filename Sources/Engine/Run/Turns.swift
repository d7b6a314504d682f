import Synchronization

/// One at a time, in the order in which they come; across suspensions, which an actor alone does not give.
final class Turns: Sendable {
  private let place = Mutex(FairPlaces<CheckedContinuation<Void, Never>>(1))

  /// Waits for the turn. Each one that is acquired must be released.
  nonisolated(nonsending) func acquire() async {
    if place.withLock({ $0.tryTake() }) { return }
    await withCheckedContinuation { continuation in
      let isMine = place.withLock { place in
        if place.tryTake() { return true }
        place.wait(continuation, in: 0)
        return false
      }
      if isMine { continuation.resume() }
    }
  }

  func release() {
    place.withLock { $0.giveBack() }?.resume()
  }
}

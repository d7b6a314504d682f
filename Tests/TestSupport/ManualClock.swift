import SlipwayModel
import Synchronization

/// A clock that stands still until a test turns it.
package final class ManualClock: Clock {
  private struct State {
    var now: Timestamp
    var nextNumber = 0
    var sleepers: [Int: Sleeper] = [:]
    var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    mutating func takeSatisfiedWatchers() -> [CheckedContinuation<Void, Never>] {
      let count = sleepers.count
      let satisfied = watchers.filter { $0.count <= count }
      watchers.removeAll { $0.count <= count }
      return satisfied.map(\.continuation)
    }
  }
  private struct Sleeper {
    let deadline: Timestamp
    let continuation: CheckedContinuation<Bool, Never>
  }

  private let state: Mutex<State>

  /// Begins at `now`, by default on 2026-11-21T03:45:12Z.
  package init(now: Timestamp = Timestamp(seconds: 1_795_232_712)) {
    state = Mutex(State(now: now))
  }

  package func now() -> Timestamp {
    state.withLock { $0.now }
  }

  package func sleep(until deadline: Timestamp) async throws(CancellationError) {
    let number = state.withLock { state in
      state.nextNumber += 1
      return state.nextNumber
    }
    let isOver = await withTaskCancellationHandler {
      await withCheckedContinuation { wait(Sleeper(deadline: deadline, continuation: $0), number) }
    } onCancel: {
      state.withLock { $0.sleepers.removeValue(forKey: number) }?.continuation.resume(returning: false)
    }
    if !isOver { throw CancellationError() }
  }

  private func wait(_ sleeper: Sleeper, _ number: Int) {
    let (answer, watchers) = state.withLock { state -> (Bool?, [CheckedContinuation<Void, Never>]) in
      if sleeper.deadline <= state.now { return (true, []) }
      // Seen under the lock: a cancellation before this line finds no sleeper to wake.
      if Task.isCancelled { return (false, []) }
      state.sleepers[number] = sleeper
      return (nil, state.takeSatisfiedWatchers())
    }
    if let answer { sleeper.continuation.resume(returning: answer) }
    for watcher in watchers { watcher.resume() }
  }

  /// Moves the time on, and wakes those whose deadline has come.
  package func advance(by duration: Duration) {
    let woken = state.withLock { state in
      state.now = state.now + duration
      let now = state.now
      let due = state.sleepers.filter { $0.value.deadline <= now }
      for number in due.keys { state.sleepers[number] = nil }
      return due.values.sorted { $0.deadline < $1.deadline }
    }
    for sleeper in woken { sleeper.continuation.resume(returning: true) }
  }

  /// Moves the time to the next deadline that somebody waits for; false if nobody waits.
  @discardableResult
  package func advanceToNextDeadline() -> Bool {
    guard let next = nextDeadline else { return false }
    advance(by: next - now())
    return true
  }

  /// The earliest deadline that somebody waits for.
  package var nextDeadline: Timestamp? {
    state.withLock { $0.sleepers.values.map(\.deadline).min() }
  }

  /// Returns as soon as `count` tasks wait for this clock.
  package func waitForSleepers(_ count: Int = 1) async {
    await withCheckedContinuation { continuation in
      let isMet = state.withLock { state in
        if state.sleepers.count >= count { return true }
        state.watchers.append((count, continuation))
        return false
      }
      if isMet { continuation.resume() }
    }
  }
}

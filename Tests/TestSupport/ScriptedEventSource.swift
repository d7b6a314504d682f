import SlipwayModel
import Synchronization

/// Tells the events that a test pushes.
package final class ScriptedEventSource: EventSource {
  private struct State {
    var events: [TreeEvent] = []
    var isStopped = false
    var waiting: CheckedContinuation<[TreeEvent]?, Never>?
    var started: [BytePath] = []
    var interest: WatchInterest?
    var startFailure: Failure?
  }

  private let state = Mutex(State())

  /// `startFailure`, if there is one, is what `start` throws.
  package init(startFailure: Failure? = nil) {
    state.withLock { $0.startFailure = startFailure }
  }

  /// The directories that `start` was given; empty before.
  package var started: [BytePath] { state.withLock { $0.started } }
  package var interest: WatchInterest? { state.withLock { $0.interest } }
  package var isStopped: Bool { state.withLock { $0.isStopped } }

  /// Whoever waits for the next events gets these; otherwise they are kept.
  package func push(_ events: TreeEvent...) {
    let delivery = state.withLock { state -> (CheckedContinuation<[TreeEvent]?, Never>, [TreeEvent])? in
      for event in events where !state.events.contains(event) { state.events.append(event) }
      guard let waiting = state.waiting, !state.events.isEmpty else { return nil }
      defer { (state.waiting, state.events) = (nil, []) }
      return (waiting, state.events)
    }
    if let (waiting, events) = delivery { waiting.resume(returning: events) }
  }

  package func start(_ directories: [BytePath], interest: WatchInterest) async throws(Failure) {
    let failure = state.withLock { state in
      (state.started, state.interest) = (directories, interest)
      return state.startFailure
    }
    if let failure { throw failure }
  }

  package func next() async -> [TreeEvent]? {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state -> [TreeEvent]?? in
        if !state.events.isEmpty {
          defer { state.events = [] }
          return .some(state.events)
        }
        if state.isStopped { return .some(nil) }
        state.waiting = continuation
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  package func stop() async {
    let waiting = state.withLock { state in
      state.isStopped = true
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume(returning: nil)
  }
}

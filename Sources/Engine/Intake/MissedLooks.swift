import SlipwayModel
import Synchronization

/// When everything is looked at again because something could not be looked at: no event need come for it any more.
/// Any task.
final class MissedLooks: Sendable {
  private struct State {
    var pause: Duration
    /// The time of the look that is due, or was last.
    var look: Timestamp?
    var isDue = false
  }

  private let shortest: Duration
  private let longest: Duration
  private let state: Mutex<State>

  /// The first look is after `shortest`; where one misses something again, twice as long after it, up to `longest`.
  init(from shortest: Duration, to longest: Duration) {
    self.shortest = shortest
    self.longest = longest
    state = Mutex(State(pause: shortest))
  }

  /// Something has been missed. How long to wait until the next look; nil if one is due already.
  func note(at now: Timestamp) -> Duration? {
    state.withLock { state in
      if state.isDue { return nil }
      if let look = state.look { state.pause = now > look + state.pause ? shortest : min(state.pause * 2, longest) }
      state.isDue = true
      state.look = now + state.pause
      return state.pause
    }
  }

  /// The look begins: what is missed from here on wants another one.
  func begin() { state.withLock { $0.isDue = false } }
}

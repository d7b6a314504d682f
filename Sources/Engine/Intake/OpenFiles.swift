import Logging
import SlipwayModel
import Synchronization

/// Files that somebody has open for writing. Their closing is told under the name by which they were opened: one that has
/// got its name since, by link(2) or linkat(2), closes without a word. So each is looked at again as long as it is open.
/// A process that looks once leaves it out, and says so. Any task.
final class OpenFiles: Sendable {
  private struct State {
    var looks: RepeatedLooks
    var alarm = Alarm()
    var look: (@Sendable ([BytePath]) async -> Void)?
    /// What has been told of, once.
    var told: Set<BytePath> = []
  }

  private let isService: Bool
  private let clock: any Clock
  private let logger: Logger
  private let state: Mutex<State>

  /// The first look is after `ReadyDecision.settleTime`, the next ones at pauses that double up to `longest`.
  init(isService: Bool, longest: Duration, clock: any Clock, logger: Logger) {
    self.isService = isService
    self.clock = clock
    self.logger = logger
    state = Mutex(State(looks: RepeatedLooks(from: ReadyDecision.settleTime, to: longest)))
  }

  /// `look` is called with what is to be looked at; whatever is open still is left again.
  func start(_ look: @escaping @Sendable ([BytePath]) async -> Void) { state.withLock { $0.look = look } }

  func stop() {
    state.withLock { state in
      state.look = nil
      state.alarm.cancel()
    }
  }

  /// It is not taken, as it is open.
  func leave(_ path: BytePath) {
    if isService { return lookAgain(at: path) }
    let isNew = state.withLock { state in
      if state.told.count >= RepeatedLooks.filesMax { state.told = [] }
      return state.told.insert(path).inserted
    }
    if isNew { logger.notice("left out \(path): it is still being written") }
  }

  /// It is open, whatever has become of it: in a service it is looked at again.
  func lookAgain(at path: BytePath) {
    if !isService { return }
    state.withLock { $0.looks.add(path, now: clock.now()) }
    setAlarm()
  }

  /// It has been seen closed.
  func forget(_ path: BytePath) { state.withLock { $0.looks.remove(path) } }

  private func setAlarm() {
    state.withLock { state in
      guard state.look != nil, let earliest = state.looks.earliest else { return }
      state.alarm.set(for: earliest, clock) { await self.ring($0) }
    }
  }

  private func ring(_ now: Timestamp) async {
    let (paths, look) = state.withLock { state in
      state.alarm.reset()
      return (state.looks.takeDue(at: now), state.look)
    }
    if !paths.isEmpty { await look?(paths) }
    setAlarm()
  }
}

import CLibc
import Glibc
import SlipwayModel
import Synchronization

/// One request on its way, and who waits for its answer.
struct PluginTicket: Sendable {
  let id: UInt64
  let request: PluginRequest
  /// Called once.
  let reply: @Sendable (Result<PluginAnswer, Failure>) -> Void
}

/// What others want of a plugin's thread. Any thread; bounded by those who wait for an answer.
final class PluginInbox: Sendable {
  struct Content: Sendable {
    var asked: [PluginTicket] = []
    var cancelled: [UInt64] = []
    var isClosing = false
  }

  private struct State {
    var content = Content()
    /// Nobody reads any more.
    var isOver = false
  }

  private let state = Mutex(State())
  /// Readable as long as something is new.
  let wakeUp: Int32

  /// Throws where there is no descriptor left.
  init(_ subject: String) throws(Failure) {
    wakeUp = slipway_eventfd()
    if wakeUp < 0 { throw PluginCommand.notStarted(errno, subject) }
  }

  deinit { Glibc.close(wakeUp) }

  /// False where nobody will answer.
  func ask(_ ticket: PluginTicket) -> Bool {
    let isTaken = state.withLock { state in
      if state.isOver || state.content.isClosing { return false }
      state.content.asked.append(ticket)
      return true
    }
    if isTaken { wake() }
    return isTaken
  }

  /// Nothing happens for what has been answered.
  func cancel(_ id: UInt64) {
    state.withLock { $0.content.cancelled.append(id) }
    wake()
  }

  func close() {
    state.withLock { $0.content.isClosing = true }
    wake()
  }

  /// What is new since the last time; `isClosing` stays.
  func take() -> Content {
    var count: UInt64 = 0
    _ = read(wakeUp, &count, 8)
    return state.withLock { state in
      let content = state.content
      state.content = Content(isClosing: content.isClosing)
      return content
    }
  }

  /// Whether there is nothing left to answer; from then on nothing is taken.
  func finish() -> Bool {
    state.withLock { state in
      state.isOver = state.content.asked.isEmpty
      return state.isOver
    }
  }

  private func wake() {
    var one: UInt64 = 1
    // It is full only where it is readable anyway.
    _ = write(wakeUp, &one, 8)
  }
}

import SlipwayModel
import Synchronization

/// What has been told and not taken yet, each hint once. Any thread puts, one takes.
final class PendingEvents: Sendable {
  /// Names beyond that are given up for a rescan; as many events as the kernel queues by default.
  static let namesMax = 16_384
  /// While so many wait, no further directory is listed.
  static let namesMaxWhileListing = namesMax / 2

  private struct State {
    var events = EventBatch()
    var taker: CheckedContinuation<[TreeEvent]?, Never>?
    var hasEnded = false
  }

  private let state = Mutex(State())

  /// False if there is no room: the names that wait have been dropped, and the caller tells what is lost.
  func put(_ path: BytePath, _ hint: NameHint) -> Bool {
    change { events in
      if events.nameCount < Self.namesMax {
        events.merge(path, hint)
        return true
      }
      events.dropNames()
      return false
    }
  }

  /// False, and nothing has changed, if there is not plenty of room: others may need what is left.
  func offer(_ path: BytePath, _ hint: NameHint) -> Bool {
    change { events in
      guard events.nameCount < Self.namesMaxWhileListing else { return false }
      events.merge(path, hint)
      return true
    }
  }

  func put(_ event: TreeEvent) {
    change { $0.append(event) }
  }

  var nameCount: Int { state.withLock { $0.events.nameCount } }

  /// Everything that waits, as soon as there is anything; nil after `end` and when the task is cancelled.
  func next() async -> [TreeEvent]? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer: [TreeEvent]?? = state.withLock { state in
          if state.hasEnded || Task.isCancelled { return .some(nil) }
          if !state.events.isEmpty { return state.events.take() }
          state.taker = continuation
          return .none
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      state.withLock { $0.taker.take() }?.resume(returning: nil)
    }
  }

  /// May be called twice.
  func end() {
    let taker = state.withLock { state in
      state.hasEnded = true
      return state.taker.take()
    }
    taker?.resume(returning: nil)
  }

  private func change<Answer: Sendable>(_ body: (inout EventBatch) -> Answer) -> Answer {
    let (answer, taker, events) = state.withLock { state in
      let answer = body(&state.events)
      guard !state.events.isEmpty, let taker = state.taker.take() else {
        return (answer, CheckedContinuation<[TreeEvent]?, Never>?.none, [TreeEvent]())
      }
      return (answer, taker, state.events.take())
    }
    taker?.resume(returning: events)
    return answer
  }
}

/// Events in the order of their first mention.
struct EventBatch {
  /// nil where an event was overtaken by a later one.
  private var events: [TreeEvent?] = []
  /// Where a name stands that the next hint of it may change.
  private var places: [BytePath: Int] = [:]

  private(set) var nameCount = 0

  var isEmpty: Bool { events.isEmpty }

  /// Of two hints the later one counts, but `complete` tells more than `found`.
  mutating func merge(_ path: BytePath, _ hint: NameHint) {
    guard let place = places[path] else {
      places[path] = events.count
      nameCount += 1
      events.append(.name(path, hint))
      return
    }
    if case .name(_, .complete) = events[place], hint == .found { return }
    events[place] = .name(path, hint)
  }

  /// An equal event that waits is told at the later place alone. No hint is moved to before a loss.
  mutating func append(_ event: TreeEvent) {
    if case .name(let path, let hint) = event { return merge(path, hint) }
    if let earlier = events.firstIndex(of: event) { events[earlier] = nil }
    events.append(event)
    switch event {
    case .lost, .gone: places.removeAll()
    case .listed, .name, .polled: break
    }
  }

  mutating func dropNames() {
    events.removeAll { event in
      if case .name = event { return true }
      return event == nil
    }
    places.removeAll()
    nameCount = 0
  }

  mutating func take() -> [TreeEvent] {
    defer { self = EventBatch() }
    return events.compactMap { $0 }
  }
}

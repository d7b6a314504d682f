import SlipwayModel

/// One timer for all that waits: for the earliest.
struct Alarm {
  private var current: (task: Task<Void, Never>, until: Timestamp)?

  /// Sees to it that `ring` is called at `time`, unless it is called earlier anyway.
  mutating func set(for time: Timestamp?, _ clock: any Clock, _ ring: @escaping @Sendable () async -> Void) {
    guard let time else { return }
    if let current, current.until <= time { return }
    current?.task.cancel()
    let task = Task {
      do throws(CancellationError) {
        try await clock.sleep(until: time)
        await ring()
      } catch {
        // Another alarm has taken its place.
      }
    }
    current = (task, time)
  }

  /// It has rung: the next one may be later.
  mutating func reset() { current = nil }

  func cancel() { current?.task.cancel() }
}

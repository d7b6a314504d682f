import SlipwayModel

/// One timer for all that waits: for the earliest.
struct Alarm {
  private var current: (task: Task<Void, Never>, until: Timestamp)?

  /// Sees to it that `ring` is called at `time`, unless it is called earlier anyway. It is told what the time is: `time`
  /// at the least, also where the clock has been set back meanwhile, so that what waits for that moment does not wait on.
  mutating func set(
    for time: Timestamp?, _ clock: any Clock, _ ring: @escaping @Sendable (_ now: Timestamp) async -> Void
  ) {
    guard let time else { return }
    if let current, current.until <= time { return }
    current?.task.cancel()
    let task = Task {
      do throws(CancellationError) {
        try await clock.sleep(until: time)
        await ring(max(time, clock.now()))
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

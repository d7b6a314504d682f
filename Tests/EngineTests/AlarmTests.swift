import SlipwayModel
import Testing

@testable import Engine

@Suite("An alarm") struct AlarmTests {
  /// It has been set back by an hour since whoever sleeps began to; the sleep is over all the same.
  private struct SetBackClock: SlipwayModel.Clock {
    func now() -> Timestamp { Timestamp(seconds: 100) }
    /// Over, although by `now` the deadline is an hour away.
    func sleep(until deadline: Timestamp) async throws(CancellationError) {}
  }

  @Test("tells the time for which it was set, also where the clock has been set back meanwhile")
  func setBack() async {
    var alarm = Alarm()
    let told = await withCheckedContinuation { continuation in
      alarm.set(for: Timestamp(seconds: 3700), SetBackClock()) { continuation.resume(returning: $0) }
    }
    #expect(told == Timestamp(seconds: 3700))
  }
}

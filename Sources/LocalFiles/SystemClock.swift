import CLibc
import Glibc
import SlipwayModel

/// The machine's wall clock. Any thread.
package struct SystemClock: SlipwayModel.Clock {
  /// A clock that is set forward must not let a wait outlast its deadline by more than that.
  private static let sleepMax = Duration.seconds(30)

  package init() {}

  /// When the machine was started, by the wall clock of now.
  package var machineStarted: Timestamp { now() + (.zero - running) }

  /// For how long the machine has been running, suspension included (CLOCK_BOOTTIME, clock_gettime(2)).
  private var running: Duration {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  package func now() -> Timestamp {
    var moment = timespec()
    clock_gettime(CLOCK_REALTIME, &moment)
    return Timestamp(nanoseconds: Int64(moment.tv_sec) * 1_000_000_000 + Int64(moment.tv_nsec))
  }

  /// A clock that is set forward ends it earlier; one that is set back does not prolong it.
  package func sleep(until deadline: Timestamp) async throws(CancellationError) {
    let (whole, start) = (deadline - now(), running)
    while true {
      let rest = min(deadline - now(), whole - (running - start))
      if rest <= .zero { break }
      do {
        try await Task.sleep(for: min(rest, Self.sleepMax))
      } catch {
        // Task.sleep throws nothing else.
        throw CancellationError()
      }
    }
    if Task.isCancelled { throw CancellationError() }
  }
}

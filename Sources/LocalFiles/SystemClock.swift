import CLibc
import Glibc
import SlipwayModel

/// The machine's wall clock. Any thread.
package struct SystemClock: SlipwayModel.Clock {
  /// A clock that is set forward must not let a wait outlast its deadline by more than that.
  private static let sleepMax = Duration.seconds(30)

  package init() {}

  /// When the machine was started, by the wall clock of now (CLOCK_BOOTTIME counts from there, clock_gettime(2)).
  package var machineStarted: Timestamp {
    var running = timespec()
    clock_gettime(CLOCK_BOOTTIME, &running)
    return Timestamp(
      nanoseconds: now().nanoseconds - Int64(running.tv_sec) * 1_000_000_000 - Int64(running.tv_nsec))
  }

  package func now() -> Timestamp {
    var moment = timespec()
    clock_gettime(CLOCK_REALTIME, &moment)
    return Timestamp(nanoseconds: Int64(moment.tv_sec) * 1_000_000_000 + Int64(moment.tv_nsec))
  }

  package func sleep(until deadline: Timestamp) async throws(CancellationError) {
    while true {
      let rest = deadline - now()
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

/// The wall clock and waiting, so that tests can turn it.
public protocol Clock: Sendable {
  func now() -> Timestamp
  /// Returns once `deadline` has passed; throws when the task is cancelled.
  func sleep(until deadline: Timestamp) async throws(CancellationError)
}

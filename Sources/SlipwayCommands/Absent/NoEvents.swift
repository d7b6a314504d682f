import SlipwayModel

/// For verbs that do not watch.
struct NoEvents: EventSource {
  func start(_ directories: [BytePath], interest: WatchInterest) async throws(Failure) {}
  func next() async -> [TreeEvent]? { nil }
  func stop() async {}
}

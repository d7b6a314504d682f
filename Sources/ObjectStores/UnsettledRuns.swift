import SlipwayModel

/// Of which runs a directory holds files that are not durable yet, and of which some may be lost. A value.
///
/// The kernel tells a write error once to a descriptor, to whoever asks it to sync, and not whose files it was: it may be
/// anybody's that has put something since the last sync that went well.
struct UnsettledRuns {
  /// The number of each run's latest put.
  private var puts: [RunID: Int] = [:]
  private var count = 0
  private var lost: [RunID: Failure] = [:]

  /// Something of the run is about to be written, or has been.
  mutating func note(_ run: RunID) {
    count += 1
    puts[run] = count
  }

  /// What a sync that begins now covers.
  var mark: Int { count }

  /// A sync has gone well that began at `mark`.
  mutating func settle(upTo mark: Int) { puts = puts.filter { $0.value > mark } }

  /// A sync has failed.
  mutating func lose(_ failure: Failure) {
    for run in puts.keys { lost[run] = failure }
    puts = [:]
  }

  /// Why something of these runs may be lost; told once.
  mutating func takeLoss(of runs: [RunID]) -> Failure? {
    var failure: Failure?
    for run in runs { failure = lost.removeValue(forKey: run) ?? failure }
    return failure
  }
}

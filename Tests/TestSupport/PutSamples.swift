import SlipwayModel
import Synchronization

extension PutContext {
  /// For a file of a run of its own, with a journal that remembers and places for eight requests more.
  package static func sample(
    progress: TransferMeter = TransferMeter(), attributes: ObjectAttributes = ObjectAttributes(),
    permits: any TransferPermits = CountedPermits(8), run number: Int = 1
  ) async throws(Failure) -> PutContext {
    let ledger = InMemoryLedger()
    let run = plainRun(number: number)
    try await ledger.commit([.run(run)])
    return PutContext(
      run: run.id, destination: DestinationName("artifacts"), path: BytePath("file"), attributes: attributes,
      progress: progress, journal: ledger, permits: permits)
  }
}

/// So many places, and nobody who waits for one.
package final class CountedPermits: TransferPermits {
  private let free: Mutex<Int>
  private let waits = Mutex(0)

  package init(_ count: Int) {
    free = Mutex(count)
  }

  /// How many are not taken.
  package var count: Int { free.withLock { $0 } }
  /// How often somebody has asked for one who would have waited.
  package var acquisitions: Int { waits.withLock { $0 } }

  package func tryTake() -> Bool {
    free.withLock { free in
      guard free > 0 else { return false }
      free -= 1
      return true
    }
  }

  /// Nobody else takes any for long.
  package func acquire() async {
    waits.withLock { $0 += 1 }
    while !tryTake() { await Task.yield() }
  }

  package func giveBack() {
    free.withLock { $0 += 1 }
  }
}

import SlipwayModel
import Synchronization

/// The places for requests in flight: over all runs, and at each destination that has a limit of its own.
///
/// The runs that wait take turns, so that a large tree with its many workers does not keep a small one waiting. At a
/// destination with a limit of its own a request needs that place, too, and waits for it first: who waits for a slow
/// destination holds none of the places that the others share.
final class TransferSlots: Sendable {
  struct State {
    var all: FairPlaces<Waiter>
    var own: [DestinationName: FairPlaces<Waiter>]
    var lanes = 0
  }

  struct Waiter {
    let lane: Int
    /// Called once it has its places.
    let resume: @Sendable () -> Void
  }

  /// How many there are over all, free or not.
  let count: Int
  fileprivate let state: Mutex<State>

  /// `own` are the limits of destinations that have one.
  init(_ count: Int, own: [DestinationName: Int] = [:]) {
    self.count = count
    state = Mutex(State(all: FairPlaces(count), own: own.mapValues { FairPlaces($0) }))
  }

  /// As the settings and the destinations say.
  convenience init(_ configuration: Configuration) {
    self.init(configuration.settings.transfers, own: configuration.destinations.compactMapValues(\.transfers))
  }

  /// The ways of one run to places at its destinations. Called once a run: what has one way takes turns as one.
  func lanes(to destinations: [DestinationName]) -> [DestinationName: TransferLane] {
    let number = state.withLock { state in
      state.lanes += 1
      return state.lanes
    }
    return destinations.reduce(into: [:]) { $0[$1] = TransferLane(self, number, $1) }
  }
}

/// A run's way to places for requests at one destination. Any task.
final class TransferLane: TransferPermits {
  private let slots: TransferSlots
  private let number: Int
  private let destination: DestinationName

  fileprivate init(_ slots: TransferSlots, _ number: Int, _ destination: DestinationName) {
    self.slots = slots
    self.number = number
    self.destination = destination
  }

  /// Waits for a place. Each one that is acquired must be given back.
  nonisolated(nonsending) func acquire() async {
    if tryTake() { return }
    await withCheckedContinuation { continuation in
      let hasPlace = slots.state.withLock { state in
        state.takeOrWait(TransferSlots.Waiter(lane: number) { continuation.resume() }, at: destination)
      }
      if hasPlace { continuation.resume() }
    }
  }

  func tryTake() -> Bool {
    slots.state.withLock { $0.tryTake(at: destination) }
  }

  func giveBack() {
    slots.state.withLock { $0.giveBack(at: destination) }?.resume()
  }
}

extension TransferSlots.State {
  mutating func tryTake(at destination: DestinationName) -> Bool {
    guard all.isOpen else { return false }
    if !own.isEmpty, own[destination]?.tryTake() == false { return false }
    return all.tryTake()
  }

  mutating func takeOrWait(_ waiter: TransferSlots.Waiter, at destination: DestinationName) -> Bool {
    if own[destination]?.tryTake() == false {
      own[destination]?.wait(waiter, in: waiter.lane)
      return false
    }
    if all.tryTake() { return true }
    all.wait(waiter, in: waiter.lane)
    return false
  }

  /// Returns who has a place now. Who has got the destination's place goes on to wait for the other one, and it may be
  /// the one that is given back here.
  mutating func giveBack(at destination: DestinationName) -> TransferSlots.Waiter? {
    if let next = own[destination]?.giveBack() { all.wait(next, in: next.lane) }
    return all.giveBack()
  }
}

extension Destination {
  /// Its own limit of requests in flight; a directory has none.
  fileprivate var transfers: Int? {
    switch kind {
    case .s3(let settings): settings.transfers
    case .plugin(let settings): settings.transfers
    case .directory: nil
    }
  }
}

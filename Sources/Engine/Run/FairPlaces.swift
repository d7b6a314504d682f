import DequeModule

/// A number of places, and who waits for one. Pure: the lanes that wait take turns, and within a lane the first to
/// come is the first to go, so that many in one lane do not keep the few of another waiting.
struct FairPlaces<Waiter> {
  private var free: Int
  /// The lanes in which somebody waits, each once; the first is next.
  private var turns: Deque<Int> = []
  private var waiting: [Int: Deque<Waiter>] = [:]

  init(_ count: Int) {
    free = count
  }

  /// Whether a place could be taken now without overtaking anybody.
  var isOpen: Bool { free > 0 && turns.isEmpty }

  /// Takes a place, if that overtakes nobody.
  mutating func tryTake() -> Bool {
    guard isOpen else { return false }
    free -= 1
    return true
  }

  mutating func wait(_ waiter: Waiter, in lane: Int) {
    if waiting[lane] == nil { turns.append(lane) }
    waiting[lane, default: []].append(waiter)
  }

  /// Gives a place back; returns who has it now, nil if nobody waits.
  mutating func giveBack() -> Waiter? {
    guard let lane = turns.popFirst(), let next = waiting[lane]?.popFirst() else {
      free += 1
      return nil
    }
    if waiting[lane]?.isEmpty == true { waiting[lane] = nil } else { turns.append(lane) }
    return next
  }
}

import SlipwayModel

/// A piece of something that is done in pieces, of which some take a while.
enum Piece<Outcome: Sendable>: Sendable {
  case done(Outcome)
  case work(@Sendable () async -> Outcome)
}

/// Does the pieces that `next` gives until it gives nil, at most `limit` at once, and calls `tell` with what each has
/// brought, in the order in which they came. Where `next` throws, what came before is told first.
func sideBySide<Outcome: Sendable>(
  atMost limit: Int, _ next: () async throws(Failure) -> Piece<Outcome>?, _ tell: (Outcome) -> Void
) async throws(Failure) {
  let failure = await withTaskGroup(of: (number: Int, outcome: Outcome).self) { group in
    var order = InOrder<Outcome>()
    var failure: Failure?
    do throws(Failure) {
      while let piece = try await next() {
        while order.underWay >= limit || order.count >= limit * waitingPerPlace, let ended = await group.next() {
          order.end(ended.number, ended.outcome, tell)
        }
        let number = order.begin()
        switch piece {
        case .done(let outcome): order.end(number, outcome, tell)
        case .work(let body): group.addTask { (number, await body()) }
        }
      }
    } catch {
      failure = error
    }
    while let ended = await group.next() { order.end(ended.number, ended.outcome, tell) }
    return failure
  }
  if let failure { throw failure }
}

/// So many outcomes a place wait for an earlier one that takes long.
private let waitingPerPlace = 16

/// Outcomes in the order in which their pieces were begun. Pure.
private struct InOrder<Outcome> {
  private var first = 0
  /// nil for a piece that has not ended.
  private var outcomes: [Outcome?] = []
  private(set) var underWay = 0

  var count: Int { outcomes.count }

  mutating func begin() -> Int {
    outcomes.append(nil)
    underWay += 1
    return first + outcomes.count - 1
  }

  /// Calls `tell` for all that nothing earlier is in front of any more.
  mutating func end(_ number: Int, _ outcome: Outcome, _ tell: (Outcome) -> Void) {
    outcomes[number - first] = outcome
    underWay -= 1
    guard number == first else { return }
    let ended = outcomes.prefix { $0 != nil }
    for case .some(let outcome) in ended { tell(outcome) }
    first += ended.count
    outcomes.removeFirst(ended.count)
  }
}

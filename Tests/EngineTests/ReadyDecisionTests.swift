import SlipwayModel
import Testing

@testable import Engine

@Suite struct ReadyDecisionTests {
  private let first = MarkerIdentity(inode: 1, modified: 10)
  private let second = MarkerIdentity(inode: 1, modified: 11)

  @Test("A marker that has not been answered makes its tree ready")
  func ready() {
    #expect(decide(marker(first), answered: nil) == .ready(first))
    #expect(decide(marker(second), answered: first) == .ready(second))
  }

  @Test("A marker that has been answered is passed over")
  func answered() {
    #expect(decide(marker(first), answered: first) == .ignore)
    #expect(decide(marker(first, open: nil), answered: first) == .ignore)
  }

  @Test("A marker that is gone is forgotten, once")
  func gone() {
    #expect(decide(nil, answered: first) == .forget)
    #expect(decide(nil, answered: nil) == .ignore)
  }

  @Test("A marker that a writer has open is left until it is closed")
  func open() {
    #expect(decide(marker(first, open: true), answered: nil) == .written)
    #expect(decide(marker(first, open: true), answered: nil, waitsForWriters: false) == .ready(first))
  }

  @Test("Where the kernel does not tell of writers, a fresh marker is looked at again, an old or a closed one believed")
  func unknown() {
    let fresh = marker(first, open: nil, age: .milliseconds(300))
    #expect(decide(fresh, answered: nil) == .lookAgain(after: .milliseconds(700)))
    #expect(decide(fresh, hint: .complete, answered: nil) == .ready(first))
    #expect(decide(marker(first, open: nil, age: .seconds(2)), answered: nil) == .ready(first))
  }

  @Test("A tree that stands in the queue is not queued twice")
  func queued() {
    #expect(decide(marker(second), answered: first, isQueued: true) == .alreadyQueued(second))
  }

  private func marker(
    _ identity: MarkerIdentity, open: Bool? = false, age: Duration = .zero
  ) -> MarkerState {
    MarkerState(identity: identity, isOpenForWriting: open, age: age)
  }

  private func decide(
    _ marker: MarkerState?, hint: NameHint = .found, answered: MarkerIdentity?, isQueued: Bool = false,
    waitsForWriters: Bool = true
  ) -> ReadyDecision {
    ReadyDecision.make(
      marker: marker, hint: hint, answered: answered, isQueued: isQueued, waitsForWriters: waitsForWriters)
  }
}

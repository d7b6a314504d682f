import SlipwayModel
import Testing

@testable import Engine

@Suite("What an event source tells of itself")
struct WatchTroublesTests {
  private let failure = Failure(.transient(retryAfter: nil), "follow", "/a", cause: "the queue was full")

  @Test("A directory that is gone or polled degrades until it no longer is; losses are counted")
  func notes() {
    var troubles = WatchTroubles()
    func note(_ event: TreeEvent) -> [Health.Watch] {
      troubles.note(event)
      return troubles.watches
    }
    let (a, b) = (BytePath("/a"), BytePath("/b"))
    #expect(note(.listed(watch: a)) == [])
    #expect(note(.lost(watch: a, failure)) == [])
    #expect(troubles.losses == 1)
    let polled = Health.Watch(path: a, isGone: false, polled: 2, why: failure.message)
    #expect(note(.polled(watch: a, directories: 2)) == [polled])
    let gone = Health.Watch(path: b, isGone: true, polled: 0, why: "")
    #expect(note(.gone(watch: b)) == [polled, gone])
    #expect(note(.listed(watch: b)) == [polled])
    #expect(note(.polled(watch: a, directories: 0)) == [])
    #expect(troubles.losses == 1)
  }
}

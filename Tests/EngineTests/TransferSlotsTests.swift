import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Places for requests in flight", .timeLimit(.minutes(1))) struct TransferSlotsTests {
  private let a = DestinationName("a")
  private let slow = DestinationName("slow")

  @Test("Runs that wait take turns, however many of one wait")
  func turns() {
    var places = FairPlaces<String>(1)
    let taken = places.tryTake()
    for waiter in ["big 1", "big 2", "big 3"] { places.wait(waiter, in: 1) }
    places.wait("small", in: 2)
    places.wait("other", in: 3)
    var order: [String] = []
    while let next = places.giveBack() { order.append(next) }
    #expect(taken && order == ["big 1", "small", "other", "big 2", "big 3"])
  }

  @Test("A lane that comes again while others wait stands behind them")
  func comesAgain() {
    var places = FairPlaces<String>(1)
    places.wait("a 1", in: 1)
    places.wait("b 1", in: 2)
    #expect(places.giveBack() == "a 1")
    places.wait("a 2", in: 1)
    places.wait("b 2", in: 2)
    #expect([places.giveBack(), places.giveBack(), places.giveBack()] == ["b 1", "a 2", "b 2"])
  }

  @Test("Each place is had by one at a time, and one that is taken without waiting overtakes nobody")
  func overtakesNobody() {
    var places = FairPlaces<String>(2)
    #expect([places.tryTake(), places.tryTake(), places.tryTake()] == [true, true, false])
    places.wait("first", in: 1)
    #expect(places.giveBack() == "first")
    #expect(!places.tryTake())
    #expect(places.giveBack() == nil)
    #expect(places.tryTake() && !places.tryTake())
  }

  @Test("Who waits for a destination with a limit of its own holds no place that others could use")
  func slowDestination() async throws {
    let slots = TransferSlots(2, own: [slow: 1])
    let lanes = slots.lanes(to: [a, slow])
    let (toA, toSlow) = (try #require(lanes[a]), try #require(lanes[slow]))
    await toSlow.acquire()
    let waiting = Task { await toSlow.acquire() }
    // It either waits, or has not begun to: the place is there in both cases.
    await toA.acquire()
    #expect(!toA.tryTake() && !toSlow.tryTake())
    toSlow.giveBack()
    await waiting.value
    #expect(!toA.tryTake())
    toA.giveBack()
    #expect(!toSlow.tryTake() && toA.tryTake())
  }

  @Test("A place at a destination that is given back goes to who waits for it, and with it one of all")
  func handedOn() {
    var state = TransferSlots.State(all: FairPlaces(1), own: [slow: FairPlaces(1)])
    #expect(state.tryTake(at: slow))
    #expect(!state.takeOrWait(TransferSlots.Waiter(lane: 1) {}, at: slow))
    #expect(!state.takeOrWait(TransferSlots.Waiter(lane: 2) {}, at: a))
    #expect(state.giveBack(at: slow)?.lane == 2)
    #expect(!state.tryTake(at: a))
    #expect(state.giveBack(at: a)?.lane == 1)
    #expect(state.giveBack(at: slow) == nil)
    #expect(state.tryTake(at: slow))
  }

  @Test("A destination's own limit holds over all runs, and the other destination gets its files")
  func ownLimit() async throws {
    let inFlight = Mutex((now: 0, most: 0))
    let world = try EngineWorld(destinations: ["a", "slow"]) { key in
      guard key.description.hasPrefix("slow/") else { return }
      inFlight.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
      for _ in 0..<100 { await Task.yield() }
      inFlight.withLock { $0.now -= 1 }
    }
    var settings = S3Destination(bucket: "b")
    settings.transfers = 1
    let limited = Destination(
      name: slow, location: EngineWorld.location, prefix: Array("slow".utf8), kind: .s3(settings))
    world.destinations.withLock { $0 = [limited.name: limited] }
    for tree in ["t1", "t2"] { try world.makeReady(tree, ["w": "1", "x": "2", "y": "3", "z": "4"]) }
    try await world.process()
    #expect(inFlight.withLock { $0.most } == 1)
    #expect(world.keys("a").count == 8 && world.keys("slow").count == 8)
  }
}

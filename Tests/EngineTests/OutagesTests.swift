import SlipwayModel
import Testing

@testable import Engine

@Suite("Which destinations are out") struct OutagesTests {
  private let runs = ["1", "2", "3"].map { RunID($0) }
  private let begin = Timestamp(seconds: 43_200)
  private let passing = Failure(.transient(retryAfter: nil), "upload", "x", code: "InternalError", cause: "500")

  @Test("A refusal puts the destination out at once, for every run of the workflow and for no other workflow")
  func refused() {
    let outages = Bench()
    #expect(outages.fail(runs[0]) == .begins)
    #expect(outages.fail(runs[1]) == .belongs)
    #expect(
      outages.reasonToWait(runs[2])
        == "destination 'a' is out since 1970-01-01T12:00:00Z: cannot upload x: no")
    #expect(outages.reasonToWait(runs[2], in: "v") == nil)
  }

  @Test("So does a destination that cannot be reached")
  func unreachable() {
    let outages = Bench()
    let failure = Failure(
      .transient(retryAfter: nil), "upload", "x", code: "ConnectionRefused", cause: "no connection", isUnreachable: true
    )
    #expect(outages.fail(runs[0], failure) == .begins)
  }

  @Test("Other failures put it out when so many follow each other, at the hands of whatever runs")
  func inARow() {
    let outages = Bench()
    for number in 1..<AttemptTally.failuresInARow {
      #expect(outages.fail(runs[number % 3], passing) == .isOwn)
    }
    #expect(outages.fail(runs[0], passing) == .begins)
  }

  @Test("A delivery of any run in between begins the count again")
  func delivered() {
    let outages = Bench()
    for _ in 1..<AttemptTally.failuresInARow { _ = outages.fail(runs[0], passing) }
    #expect(outages.delivered(by: runs[1]) == nil)
    #expect(outages.fail(runs[0], passing) == .isOwn)
  }

  @Test("What is wrong with a file says nothing of the destination", arguments: [Failure.sourceChanged, "EILSEQ"])
  func fileAtFault(code: String) {
    let outages = Bench()
    let failure = Failure(
      code == "EILSEQ" ? .permanent : .transient(retryAfter: nil), "upload", "x", code: code, cause: "no")
    for _ in 0...AttemptTally.failuresInARow { #expect(outages.fail(runs[0], failure) == .isOwn) }
    _ = outages.fail(runs[0])
    outages.enter(runs[1], at: begin + .seconds(1))
    #expect(outages.fail(runs[1], failure, at: begin + .seconds(1)) == .isOwn)
    #expect(outages.reasonToWait(runs[1]) == nil)
  }

  @Test("One run at a time tries, one that has not tried first, at the workflow's backoff")
  func probing() {
    let outages = Bench(RetryPolicy(backoff: .seconds(1) ... .seconds(3)))
    _ = outages.fail(runs[0])
    for run in runs { #expect(outages.wait(run)) }
    var (time, order, waits): (Timestamp, [RunID], [Duration]) = (begin, [], [])
    for _ in 0..<5 {
      guard let next = outages.nextProbe else { break }
      #expect(outages.probers(at: next + .nanoseconds(-1)) == [])
      let probers = outages.probers(at: next)
      #expect(probers.count == 1 && outages.probers(at: next) == [])
      waits.append(next - time)
      (time, order) = (next, order + probers)
      for run in runs { #expect((outages.reasonToWait(run) == nil) == (run == probers.first)) }
      #expect(outages.fail(probers[0], at: time) == .belongs)
      outages.left(probers[0], at: time)
      #expect(outages.wait(probers[0]))
    }
    #expect(order == [runs[1], runs[2], runs[0], runs[1], runs[2]])
    #expect(waits == [1, 2, 3, 3, 3].map { .seconds($0) })
    #expect(outages.outage?.failures == 6)
  }

  @Test("A time that the destination asks for is waited for")
  func retryAfter() {
    let outages = Bench()
    for _ in 1..<AttemptTally.failuresInARow { _ = outages.fail(runs[0], passing) }
    _ = outages.fail(runs[0], Failure(.transient(retryAfter: .seconds(90)), "upload", "x", cause: "503"))
    #expect(outages.wait(runs[0]))
    #expect(outages.nextProbe == begin + .seconds(90))
  }

  @Test("The first delivery ends it, and lets all go that wait")
  func ended() {
    let outages = Bench()
    _ = outages.fail(runs[0])
    for run in runs { #expect(outages.wait(run)) }
    let prober = outages.probers(at: begin + .seconds(1))
    #expect(outages.delivered(by: prober[0])?.since == begin)
    #expect(outages.freed() == runs.filter { $0 != prober[0] })
    #expect(outages.freed() == [] && outages.nextProbe == nil)
    #expect(!outages.wait(prober[0]))
    for run in runs { #expect(outages.reasonToWait(run) == nil) }
  }

  @Test("A run that comes when nobody tries and the time has come is the next that does")
  func comesInTime() {
    let outages = Bench()
    _ = outages.fail(runs[0])
    outages.enter(runs[1], at: begin)
    #expect(outages.reasonToWait(runs[1]) != nil)
    outages.enter(runs[1], at: begin + .seconds(1))
    outages.enter(runs[2], at: begin + .seconds(1))
    #expect(outages.reasonToWait(runs[1]) == nil)
    #expect(outages.reasonToWait(runs[2]) != nil)
  }

  @Test("A prober that ends without having tried gives its role to another at once")
  func givenBack() {
    let outages = Bench()
    _ = outages.fail(runs[0])
    for run in runs { #expect(outages.wait(run)) }
    let time = begin + .seconds(1)
    #expect(outages.probers(at: time) == [runs[1]])
    outages.left(runs[1], at: time)
    outages.forget(runs[1])
    #expect(outages.probers(at: time) == [runs[2]])
  }

  @Test("A run that is over while it waits, or waits for nothing any more, never becomes the prober")
  func forgotten() {
    let outages = Bench()
    _ = outages.fail(runs[0])
    for run in runs[1...] { #expect(outages.wait(run)) }
    outages.forget(runs[1])
    #expect(outages.probers(at: begin + .seconds(1)) == [runs[2]])
    outages.left(runs[2], at: begin + .seconds(1))
    #expect(outages.wait(runs[2]))
    outages.forget(runs[2])
    #expect(outages.nextProbe == nil && outages.probers(at: begin + .seconds(400)) == [])
  }

  @Test("A prober that is at it longer than the longest wait, with a large file, does not keep the others from trying")
  func longProbe() {
    let outages = Bench()
    _ = outages.fail(runs[0])
    for run in runs { #expect(outages.wait(run)) }
    #expect(outages.probers(at: begin + .seconds(1)) == [runs[1]])
    #expect(outages.nextProbe == begin + .seconds(301))
    #expect(outages.probers(at: begin + .seconds(301)) == [runs[2]])
    #expect(outages.delivered(by: runs[1]) != nil)
  }

  @Test("A run that is refused where others deliver holds up nobody; it is refused for reasons of its own")
  func odd() {
    let outages = Bench()
    _ = outages.fail(runs[0])
    outages.enter(runs[1], at: begin + .seconds(1))
    _ = outages.delivered(by: runs[1])
    #expect(outages.fail(runs[0]) == .isOwn)
    #expect(outages.reasonToWait(runs[2]) == nil)
    _ = outages.delivered(by: runs[0])
    #expect(outages.fail(runs[0]) == .begins)
  }
}

/// The outages of one destination of a workflow, in the hands of a test.
private final class Bench {
  private let place = Outages.Place(WorkflowName("w"), DestinationName("a"))
  private var outages: Outages

  init(_ retry: RetryPolicy = RetryPolicy()) {
    outages = Outages([
      Workflow(
        name: place.workflow, location: EngineWorld.location, watch: [], intake: .marker(BytePath(".ready")),
        destinations: [place.destination], retry: retry)
    ])
  }

  var outage: Outages.Outage? { outages[place] }
  var nextProbe: Timestamp? { outages.nextProbe }

  /// By default a refusal, at 12:00; with the longest wait that may be drawn.
  func fail(_ run: RunID, _ failure: Failure? = nil, at now: Timestamp = Timestamp(seconds: 43_200)) -> Outages.Verdict
  {
    let refusal = Failure(.blocked, "upload", "x", code: "AccessDenied", cause: "no")
    return outages.failed(failure ?? refusal, at: place, of: run, now: now, jitter: 1)
  }

  func reasonToWait(_ run: RunID, in workflow: String = "w") -> String? {
    outages.reasonToWait(
      run, for: Outages.Place(WorkflowName(workflow), place.destination))
  }

  func enter(_ run: RunID, at now: Timestamp) { outages.enter(run, place, at: now) }
  func delivered(by run: RunID) -> Outages.Outage? { outages.delivered(to: place, by: run) }
  func wait(_ run: RunID) -> Bool { outages.wait(run, for: [place]) }
  func probers(at now: Timestamp) -> [RunID] { outages.takeProbers(at: now) }
  func freed() -> [RunID] { outages.takeFreed() }
  func left(_ run: RunID, at now: Timestamp) { outages.left(run, at: now) }
  func forget(_ run: RunID) { outages.forget(run) }
}

import SlipwayModel
import Testing

@testable import ObjectStores

@Suite("Runs whose files a directory has not made durable") struct UnsettledRunsTests {
  private let failure = Failure(.transient(retryAfter: nil), "sync", "d", code: "EIO", cause: "I/O error")
  private let one = RunID("1")
  private let other = RunID("2")
  private let third = RunID("3")

  @Test("All that have put something lose it with one failed sync, and each is told, once")
  func lost() {
    var runs = UnsettledRuns()
    runs.note(one)
    runs.note(other)
    runs.lose(failure)
    runs.note(third)
    #expect(runs.takeLoss(of: [third]) == nil)
    #expect(runs.takeLoss(of: [other, third]) == failure)
    #expect(runs.takeLoss(of: [one]) == failure)
    #expect(runs.takeLoss(of: [one, other, third]) == nil)
  }

  @Test("What a sync that went well has covered is not lost by a later one, what came while it ran is")
  func settled() {
    var runs = UnsettledRuns()
    runs.note(one)
    runs.note(other)
    let mark = runs.mark
    runs.note(other)
    runs.settle(upTo: mark)
    runs.lose(failure)
    #expect(runs.takeLoss(of: [one]) == nil)
    #expect(runs.takeLoss(of: [other]) == failure)
  }
}

import SlipwayModel
import Testing

@testable import Engine

@Suite struct AttemptTallyTests {
  private let a = DestinationName("a")
  private let b = DestinationName("b")

  @Test("Without failures there is no verdict")
  func clean() {
    let tally = AttemptTally()
    tally.delivered(to: a, isSent: true)
    for _ in 0..<2 { tally.delivered(to: a, isSent: false) }
    #expect(tally.verdict == nil)
    #expect(tally.sent == 1)
    #expect(tally.found == 2)
  }

  @Test("One failure that may go away makes the attempt one that comes again, after the longest wait asked for")
  func retryable() {
    let tally = AttemptTally()
    tally.failed(failure(.permanent), at: a)
    tally.failed(failure(.transient(retryAfter: .seconds(3))), at: a)
    tally.failed(failure(.transient(retryAfter: .seconds(2))), at: b)
    #expect(tally.verdict?.error == .retryable(retryAfter: .seconds(3)))
  }

  @Test("Permanent failures alone make it the last attempt")
  func permanent() {
    let tally = AttemptTally()
    tally.failed(failure(.permanent), at: nil)
    #expect(tally.verdict?.error == .permanent)
  }

  @Test("A destination that refuses is closed at once, and leaves the others alone")
  func blocked() {
    let tally = AttemptTally()
    tally.failed(failure(.blocked), at: a)
    #expect(tally.isClosed(a))
    #expect(!tally.isClosed(b))
    #expect(tally.verdict?.error == .blocked)
  }

  @Test("A destination that fails so many times in a row is closed; a success in between begins the count again")
  func inARow() {
    let tally = AttemptTally()
    for _ in 1..<AttemptTally.failuresInARow { tally.failed(failure(.transient(retryAfter: nil)), at: a) }
    tally.delivered(to: a, isSent: true)
    for _ in 1..<AttemptTally.failuresInARow { tally.failed(failure(.transient(retryAfter: nil)), at: a) }
    #expect(!tally.isClosed(a))
    tally.failed(failure(.transient(retryAfter: nil)), at: a)
    #expect(tally.isClosed(a))
  }

  @Test("The message names the first few failures and counts the rest")
  func message() {
    let tally = AttemptTally()
    for name in ["1", "2", "3", "4", "5"] { tally.failed(failure(.permanent, name), at: a) }
    #expect(
      tally.verdict?.message
        == "cannot upload 1: no; cannot upload 2: no; cannot upload 3: no; and 2 more")
  }

  private func failure(_ kind: Failure.Kind, _ subject: String = "x") -> Failure {
    Failure(kind, "upload", subject, cause: "no")
  }
}

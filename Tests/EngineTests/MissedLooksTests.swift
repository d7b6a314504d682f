import SlipwayModel
import Testing

@testable import Engine

@Suite struct MissedLooksTests {
  private let looks = MissedLooks(from: .seconds(10), to: .seconds(60))

  private func note(_ seconds: Int64) -> Duration? { looks.note(at: Timestamp(seconds: seconds)) }

  @Test("One look is due at a time; each that misses something again doubles the wait, to the longest")
  func doubles() {
    var (now, waits): (Int64, [Duration?]) = (100, [])
    for _ in 0..<5 {
      let wait = note(now)
      waits.append(wait)
      #expect(note(now) == nil)
      now += wait?.components.seconds ?? 0
      looks.begin()
    }
    #expect(waits == [.seconds(10), .seconds(20), .seconds(40), .seconds(60), .seconds(60)])
  }

  @Test("After a look that went well the wait is the shortest again")
  func recovers() {
    #expect(note(100) == .seconds(10))
    looks.begin()
    #expect(note(111) == .seconds(20))
    looks.begin()
    #expect(note(131 + 21) == .seconds(10))
  }
}

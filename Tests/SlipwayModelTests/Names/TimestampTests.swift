import Foundation
import SlipwayModel
import Testing

@Suite("Moments and calendar dates")
struct TimestampTests {
  private func check(_ seconds: Int64) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let date = CalendarDate(Timestamp(seconds: seconds))
    let moment = Date(timeIntervalSince1970: TimeInterval(seconds))
    let expected = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: moment)
    #expect(date.year == expected.year && date.month == expected.month && date.day == expected.day, "\(seconds)")
    #expect(
      date.hour == expected.hour && date.minute == expected.minute && date.second == expected.second, "\(seconds)")
    #expect(date.dayOfYear == calendar.ordinality(of: .day, in: .year, for: moment), "\(seconds)")
  }

  @Test("Every day of 1970 to 2262 is what Foundation says")
  func days() {
    for day in stride(from: Int64(0), to: 106_751, by: 13) { check(day * 86_400 + day % 86_400) }
  }

  @Test("The edges of leap years, centuries and days are what Foundation says")
  func edges() {
    let years: [Int64] = [
      946_684_800, 951_782_400, 951_868_800, 4_107_542_400, 1_709_164_800, 1_735_603_200, 0, 7_258_118_400,
    ]
    for second in years { for offset: Int64 in [-86_401, -1, 0, 1, 86_399, 86_400] { check(second + offset) } }
    for second: Int64 in [-1, -86_400, -86_401, -2_000_000_000] { check(second) }
  }

  @Test("Dates are written in both formats of ISO 8601")
  func formats() {
    let date = CalendarDate(Timestamp(nanoseconds: 1_369_353_600_999_999_999))
    #expect(date.basicFormat == "20130524T000000Z")
    #expect(date.extendedFormat == "2013-05-24T00:00:00Z")
  }

  @Test("A part of a second before 1970 belongs to the second before")
  func beforeTheEpoch() {
    #expect(CalendarDate(Timestamp(nanoseconds: -1)).extendedFormat == "1969-12-31T23:59:59Z")
  }

  @Test("Moments and durations add up, and never beyond the end of time")
  func arithmetic() {
    let moment = Timestamp(seconds: 10)
    #expect(moment + .milliseconds(1500) == Timestamp(nanoseconds: 11_500_000_000))
    #expect((moment + .seconds(5)) - moment == .seconds(5))
    #expect(Duration.seconds(Int64.max).nanoseconds == .max)
    #expect(Duration.seconds(Int64.min + 1).nanoseconds == .min)
    #expect(moment + .seconds(Int64.max) == Timestamp(nanoseconds: .max))
    #expect(Timestamp(nanoseconds: -10) + .seconds(Int64.min + 1) == Timestamp(nanoseconds: .min))
  }

  @Test("Digits are padded, never cut")
  func padding() {
    #expect([digits(7, 2), digits(2026, 4), digits(12345, 4), digits(0, 3)] == ["07", "2026", "12345", "000"])
  }
}

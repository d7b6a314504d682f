/// A moment of the wall clock, in nanoseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Hashable, Sendable, Comparable {
  public let nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
  public init(seconds: Int64) { self.nanoseconds = seconds * 1_000_000_000 }

  public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
  /// Saturates: a wait may be as long as a server's Retry-After says.
  public static func + (moment: Self, duration: Duration) -> Self {
    let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.nanoseconds)
    return Timestamp(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
  }
  public static func - (left: Self, right: Self) -> Duration { .nanoseconds(left.nanoseconds - right.nanoseconds) }
}

extension Duration {
  /// Whole nanoseconds; saturates at some 292 years.
  public var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, overflowed) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflowed ? (seconds < 0 ? .min : .max) : sum
  }
}

/// A date and time of day in UTC, by the proleptic Gregorian calendar.
public struct CalendarDate: Hashable, Sendable {
  public let year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int
  /// 1 for January 1st.
  public let dayOfYear: Int

  public init(_ moment: Timestamp) {
    let seconds = moment.nanoseconds.floorDivided(by: 1_000_000_000)
    let days = seconds.floorDivided(by: 86_400)
    let rest = Int(seconds - days * 86_400)
    (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
    // Howard Hinnant's days-to-civil: eras of 400 years that begin on March 1st.
    let shifted = days + 719_468
    let era = shifted.floorDivided(by: 146_097)
    let dayOfEra = Int(shifted - era * 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayFromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayFromMarch + 2) / 153
    day = dayFromMarch - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
    let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
    let daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month - 1]
    dayOfYear = daysBefore + day + (isLeap && month > 2 ? 1 : 0)
  }

  /// `20261121T034512Z`, the basic format of ISO 8601 that SigV4 asks for.
  public var basicFormat: String {
    "\(digits(year, 4))\(digits(month, 2))\(digits(day, 2))T\(digits(hour, 2))\(digits(minute, 2))\(digits(second, 2))Z"
  }

  /// `2026-11-21T03:45:12Z`.
  public var extendedFormat: String {
    "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))T\(digits(hour, 2)):\(digits(minute, 2)):\(digits(second, 2))Z"
  }
}

/// `value` in decimal, with zeros in front up to `width`.
public func digits(_ value: Int, _ width: Int) -> String {
  let text = String(value)
  return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
}

extension Int64 {
  fileprivate func floorDivided(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}

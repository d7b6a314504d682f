import SlipwayModel

extension Timestamp {
  /// `2026-11-21T03:45:12Z`, with fractions of a second and an offset allowed (RFC 3339); nil for anything else.
  init?(expiry text: String) {
    var rest = Array(text.utf8)[...]
    guard let date = Self.numbers(&rest, [4, 2, 2], "-"), Self.take(&rest, "Tt "),
      let time = Self.numbers(&rest, [2, 2, 2], ":")
    else { return nil }
    if Self.take(&rest, ".") {
      let digits = rest.prefix { 0x30...0x39 ~= $0 }
      guard !digits.isEmpty else { return nil }
      rest = rest.dropFirst(digits.count)
    }
    guard let offset = Self.offset(&rest), rest.isEmpty, 1...12 ~= date[1], 1...31 ~= date[2], time[0] < 24,
      time[1] < 60, time[2] <= 60, 1970...2200 ~= date[0]
    else { return nil }
    self.init(seconds: Self.days(date) * 86_400 + time[0] * 3600 + time[1] * 60 + time[2] - offset)
  }

  /// East of Greenwich, in seconds.
  private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
    if take(&rest, "Zz") { return 0 }
    let isWest = rest.first == UInt8(ascii: "-")
    guard take(&rest, "+-"), let offset = numbers(&rest, [2, 2], ":") else { return nil }
    return (offset[0] * 3600 + offset[1] * 60) * (isWest ? -1 : 1)
  }

  private static func numbers(_ rest: inout ArraySlice<UInt8>, _ widths: [Int], _ between: String) -> [Int64]? {
    var found: [Int64] = []
    for width in widths {
      if !found.isEmpty, !take(&rest, between) { return nil }
      let digits = rest.prefix(width)
      guard digits.count == width, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
      found.append(digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) })
      rest = rest.dropFirst(width)
    }
    return found
  }

  private static func take(_ rest: inout ArraySlice<UInt8>, _ oneOf: String) -> Bool {
    guard let first = rest.first, oneOf.utf8.contains(first) else { return false }
    rest.removeFirst()
    return true
  }

  /// Since 1970-01-01: Howard Hinnant's days-from-civil, with years that begin on March 1st.
  private static func days(_ date: [Int64]) -> Int64 {
    let year = date[1] <= 2 ? date[0] - 1 : date[0]
    let dayOfYear = (153 * ((date[1] + 9) % 12) + 2) / 5 + date[2] - 1
    return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
  }
}

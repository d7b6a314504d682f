import SlipwayModel

extension Timestamp {
  /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7); nil for anything else.
  init?(httpDate text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0].utf8.count == 4, parts[0].hasSuffix(","), parts[5] == "GMT",
      let month = Self.months.firstIndex(of: String(parts[2])), parts[1].utf8.count == 2, parts[3].utf8.count == 4
    else { return nil }
    let time = parts[4].split(separator: ":", omittingEmptySubsequences: false)
    let numbers = ([parts[1], parts[3]] + time).compactMap { Int64($0) }
    guard time.count == 3, numbers.count == 5, 1...31 ~= numbers[0], 1970...2200 ~= numbers[1], 0...23 ~= numbers[2],
      0...59 ~= numbers[3], 0...60 ~= numbers[4]
    else { return nil }
    let days = Self.days([numbers[1], Int64(month + 1), numbers[0]])
    self.init(seconds: days * 86_400 + numbers[2] * 3600 + numbers[3] * 60 + numbers[4])
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
}

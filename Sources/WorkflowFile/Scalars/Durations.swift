import SlipwayModel

/// Durations as a workflow file writes them: `25s`, `1h30m`; whole numbers, each with a unit, the larger unit first.
package enum DurationText {
  /// In milliseconds, largest first.
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
  ]
  /// More would overflow with the largest unit.
  private static let mostDigits = 9

  package static func parsed(_ text: String) -> Duration? {
    var rest = text.utf8[...]
    var left = units[...]
    var sum: Int64 = 0
    while !rest.isEmpty {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      let letters = rest[digits.endIndex...].prefix { !(0x30...0x39).contains($0) }
      guard digits.count <= mostDigits, let number = Int64(Substring(digits)),
        let place = left.firstIndex(where: { $0.name.utf8.elementsEqual(letters) })
      else { return nil }
      sum += number * left[place].milliseconds
      left = left[(place + 1)...]
      rest = rest[letters.endIndex...]
    }
    return text.isEmpty ? nil : .milliseconds(sum)
  }

  package static func written(_ duration: Duration) -> String {
    var rest = duration.nanoseconds / 1_000_000
    var text = ""
    for unit in units where rest >= unit.milliseconds {
      text += "\(rest / unit.milliseconds)\(unit.name)"
      rest %= unit.milliseconds
    }
    return text.isEmpty ? "0s" : text
  }
}

extension DecodingContext {
  func duration(_ node: Node, in range: ClosedRange<Duration>) -> Duration? {
    guard let text = text(node, expecting: Self.expectedDuration) else { return nil }
    return duration(text, in: range, at: node.mark)
  }

  /// `shortest..longest`.
  func durationRange(_ node: Node, in range: ClosedRange<Duration>) -> ClosedRange<Duration>? {
    let expected = "a range of durations, as in 1s..5m"
    guard let text = text(node, expecting: expected) else { return nil }
    guard let (first, last) = Self.ends(text) else {
      error("expected \(expected), found \(quoted(text))", at: node.mark)
      return nil
    }
    guard let shortest = duration(first, in: range, at: node.mark),
      let longest = duration(last, in: range, at: node.mark)
    else { return nil }
    if shortest <= longest { return shortest...longest }
    error("the range \(quoted(text)) ends before it begins", at: node.mark)
    return nil
  }

  private func duration(_ text: String, in range: ClosedRange<Duration>, at mark: Mark) -> Duration? {
    guard let duration = DurationText.parsed(text) else {
      error("expected \(Self.expectedDuration), found \(quoted(text))", at: mark)
      return nil
    }
    if range.contains(duration) { return duration }
    let bounds = "\(DurationText.written(range.lowerBound)) to \(DurationText.written(range.upperBound))"
    error("expected a duration from \(bounds), found \(quoted(text))", at: mark)
    return nil
  }

  private static let expectedDuration = "a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m"

  private static func ends(_ text: String) -> (String, String)? {
    let bytes = Array(text.utf8)
    guard let dots = bytes.indices.dropLast().first(where: { bytes[$0] == 0x2E && bytes[$0 + 1] == 0x2E }) else {
      return nil
    }
    return (String(decoding: bytes[..<dots], as: UTF8.self), String(decoding: bytes[(dots + 2)...], as: UTF8.self))
  }
}

/// A pattern of mc as a regular expression on the path below the watched directory. It matches the whole path; `*` stands
/// for any bytes, slashes too, `?` for one byte, and nothing else has a meaning.
enum MCWildcard {
  /// nil for the empty pattern, which no file's path matches.
  static func regex(_ pattern: String) -> String? {
    if pattern.isEmpty { return nil }
    let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false).map(literal)
    guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else {
      return "^\(literal(pattern[...]))$"
    }
    let middle = pieces.dropFirst().dropLast().filter { !$0.isEmpty }
    let begin = first.isEmpty ? "" : "^\(first)"
    let end = last.isEmpty ? "" : "\(last)$"
    // The first place of a piece is as good as any later one: never to go back to it bounds the time.
    let between = middle.map { "(?>.*?\($0))" }.joined()
    if between.isEmpty, end.isEmpty || begin.isEmpty { return begin + end == "" ? "^" : begin + end }
    if begin.isEmpty, end.isEmpty, middle.count == 1 { return middle[0] }
    return (begin.isEmpty ? "^" : begin) + between + (end.isEmpty ? "" : ".*\(end)")
  }

  /// The same for the name of what lies at the top of the directory, and all below it.
  static func topRegex(_ pattern: String) -> String? {
    pattern.isEmpty ? nil : "^\(literal(pattern[...], star: "[^/]*", one: "[^/]"))(/|$)"
  }

  private static func literal(_ text: Substring) -> String { literal(text, star: ".*", one: ".") }

  private static func literal(_ text: Substring, star: String, one: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "*": star
      // It stands for a byte: as many of them as a letter has.
      case "?": one
      default: #"\.^$+()[]{}|"#.unicodeScalars.contains(scalar) ? "\\\(scalar)" : "\(scalar)"
      }
    }.joined()
  }
}

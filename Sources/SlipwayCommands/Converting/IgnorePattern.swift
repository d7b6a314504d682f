/// A pattern of .gitignore (gitignore(5)) as a regular expression on the path below the watched directory.
enum IgnorePattern {
  case regex(String)
  /// An empty line or a comment.
  case nothing
  /// It takes back what an earlier one ignored, which `exclude` cannot say.
  case negation

  init(_ line: String) {
    var pattern = Array(line.unicodeScalars)
    while let last = pattern.last, last == " " || last == "\t", pattern.dropLast().last != "\\" { pattern.removeLast() }
    if pattern.isEmpty || pattern.first == "#" {
      self = .nothing
    } else if pattern.first == "!" {
      self = .negation
    } else {
      self = .regex(Self.regex(of: pattern))
    }
  }

  private static func regex(of line: [Unicode.Scalar]) -> String {
    var pattern = line[...]
    let isDirectory = pattern.last == "/"
    if isDirectory { pattern.removeLast() }
    // A slash anywhere else binds it to the directory that is watched.
    let isAnchored = pattern.contains("/")
    if pattern.first == "/" { pattern.removeFirst() }
    var regex = isAnchored ? "^" : "(^|/)"
    while !pattern.isEmpty { regex += next(&pattern) }
    // What it ignores is ignored with all below it.
    return regex + (isDirectory ? "/" : "(/|$)")
  }

  /// Takes one piece from the front.
  private static func next(_ pattern: inout ArraySlice<Unicode.Scalar>) -> String {
    let first = pattern.removeFirst()
    switch first {
    case "*":
      guard pattern.first == "*" else { return "[^/]*" }
      while pattern.first == "*" { pattern.removeFirst() }
      guard pattern.first == "/" else { return ".*" }
      pattern.removeFirst()
      return "(.*/)?"
    case "?": return "[^/]"
    case "[": return characters(&pattern) ?? "\\["
    case "\\": return pattern.isEmpty ? "\\\\" : literal(pattern.removeFirst())
    default: return literal(first)
    }
  }

  /// A class, whose bracket has been taken; nil if it has no end.
  private static func characters(_ pattern: inout ArraySlice<Unicode.Scalar>) -> String? {
    let isNegated = pattern.first == "!" || pattern.first == "^"
    let rest = isNegated ? pattern.dropFirst() : pattern
    // A bracket in the first place stands for itself.
    guard let end = rest.dropFirst().firstIndex(of: "]") else { return nil }
    let members = rest[..<end].map { "[]\\^".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)" }.joined()
    pattern = pattern[(end + 1)...]
    return isNegated ? "[^/\(members)]" : "[\(members)]"
  }

  private static func literal(_ scalar: Unicode.Scalar) -> String {
    #"\.^$*+?()[]{}|"#.unicodeScalars.contains(scalar) ? "\\\(scalar)" : "\(scalar)"
  }
}

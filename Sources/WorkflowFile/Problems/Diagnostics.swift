import SlipwayModel

/// Collects what is wrong while the files are read. One thread, one load.
final class Diagnostics {
  private struct Finding {
    let severity: Problem.Severity
    let mark: Mark
    let message: String
  }

  /// So many problems are told; a file with more is not a workflow file.
  static let most = 1_000

  private var findings: [Finding] = []
  private(set) var hasErrors = false

  /// Whether what is found from now on may not be told any more.
  var isFull: Bool { findings.count > Self.most }

  func error(_ message: String, at mark: Mark) {
    hasErrors = true
    findings.append(Finding(severity: .error, mark: mark, message: message))
  }

  func warning(_ message: String, at mark: Mark) {
    findings.append(Finding(severity: .warning, mark: mark, message: message))
  }

  /// By file, line and column; what was found twice, through an alias for example, is told once.
  func problems() -> [Problem] {
    var told: Set<Problem> = []
    let sorted = findings.enumerated().sorted { Self.place($0) < Self.place($1) }.map(\.element)
    var problems: [Problem] = []
    for finding in sorted {
      if problems.count == Self.most { return problems + [Self.surplus(after: finding)] }
      let problem = Self.problem(finding)
      if told.insert(problem).inserted { problems.append(problem) }
    }
    return problems
  }

  /// What was found first at one place stays first.
  private static func place(_ finding: (offset: Int, element: Finding)) -> (Int, Int, Int, Int) {
    let mark = finding.element.mark
    return (mark.source.order, mark.line, mark.column, finding.offset)
  }

  private static func problem(_ finding: Finding) -> Problem {
    let mark = finding.mark
    let excerpt = mark.source.shownLine(mark.line).map { SourceExcerpt($0, column: mark.column) }
    return Problem(
      severity: finding.severity, location: mark.location, message: finding.message, sourceLine: excerpt?.line,
      indentation: excerpt?.indentation ?? "")
  }

  private static func surplus(after finding: Finding) -> Problem {
    Problem(
      severity: .error, location: finding.mark.location, message: "more than \(most) problems; the rest is not told",
      sourceLine: nil, indentation: "")
  }
}

/// Text of a file in a message: escaped, cut, in quotes.
func quoted(_ text: String) -> String {
  let longest = 80
  return "'\(escaped(text.utf8.prefix(longest)))\(text.utf8.count > longest ? "…" : "")'"
}

import SlipwayModel

/// One thing that is wrong with a workflow file.
package struct Problem: Sendable, Hashable, CustomStringConvertible {
  package enum Severity: String, Sendable, Hashable {
    case error, warning
  }

  package let severity: Severity
  package let location: SourceLocation
  /// One sentence without a full stop, escaped for people, never with a secret.
  package let message: String
  /// The line of the file, escaped and cut; nil where there is none, as for a file that cannot be read.
  package let sourceLine: String?
  /// Blanks and tabs up to the column of `location` in `sourceLine`.
  let indentation: String

  /// `workflows.yaml:12:5: error: …`, then the line and a caret under the column; without a newline at the end.
  package var rendered: String {
    let head = "\(location): \(severity.rawValue): \(message)"
    guard let sourceLine else { return head }
    return "\(head)\n\(sourceLine)\n\(indentation)^"
  }

  package var description: String { rendered }
}

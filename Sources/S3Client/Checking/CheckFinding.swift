/// What a check has found out of one thing.
package struct CheckFinding: Sendable, Hashable {
  package enum Grade: String, Sendable, Hashable {
    case ok
    /// It does without, as long as the settings do.
    case note
    /// Nothing can be sent like this.
    case failed
  }

  package let grade: Grade
  /// `bucket`, `checksums`.
  package let subject: String
  /// One clause.
  package let text: String
  /// The setting that fits, or what to do; may be empty.
  package let remedy: String

  package init(_ grade: Grade, _ subject: String, _ text: String, remedy: String = "") {
    self.grade = grade
    self.subject = subject
    self.text = text
    self.remedy = remedy
  }
}

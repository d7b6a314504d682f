/// What the process that is under way answers.
package struct ControlAnswer: Sendable, Hashable {
  package enum Verdict: Int, Sendable, CaseIterable {
    case done = 200
    /// It cannot be understood.
    case refused = 400
    /// What was named does not exist.
    case notThere = 404
    /// What was named is in no state for this.
    case wrongState = 409
    /// Its records cannot be kept, or what it needs failed.
    case failed = 500
    /// It is ending.
    case later = 503
  }

  package let verdict: Verdict
  /// For standard output if it is done, else the sentence that says why not.
  package let text: [UInt8]

  package init(_ verdict: Verdict, _ text: [UInt8]) {
    self.verdict = verdict
    self.text = text
  }

  /// In bytes: a process with a hundred thousand waiting runs tells all of them.
  static let limit = 64 << 20
}

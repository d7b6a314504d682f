import SlipwayModel

/// Takes a pattern whose parentheses are closed; the loader only wants to know whether one compiles.
struct CountedParentheses: PatternCompiler {
  private struct Nothing: Pattern {
    func matches(_ name: [UInt8]) throws(Failure) -> Bool { false }
  }

  func compile(_ pattern: String) throws(PatternProblem) -> any Pattern {
    var open = 0
    for byte in pattern.utf8 {
      if byte == UInt8(ascii: "(") { open += 1 }
      if byte == UInt8(ascii: ")") { open -= 1 }
    }
    if open == 0 { return Nothing() }
    throw PatternProblem(
      pattern: pattern, offset: pattern.utf8.count, message: "missing closing parenthesis")
  }
}

import CLibpcre2
import SlipwayModel

/// Compiles filters by PCRE2, in bytes: no UTF mode, whatever the pattern asks for. Any thread; holds nothing.
package struct PCRE2Compiler: PatternCompiler {
  package init() {}

  /// Throws where PCRE2 does not take the pattern, or where it is longer than `PCRE2Limits.patternLength`.
  package func compile(_ pattern: String) throws(PatternProblem) -> any Pattern {
    let bytes = Array(pattern.utf8)
    guard bytes.count <= PCRE2Limits.patternLength else {
      throw PatternProblem(
        pattern: pattern, offset: PCRE2Limits.patternLength,
        message: "the pattern has \(bytes.count) bytes, at most \(PCRE2Limits.patternLength) are allowed")
    }
    var error: Int32 = 0
    var offset = 0
    guard let code = pcre2_compile_8(bytes, bytes.count, Self.options, &error, &offset, nil) else {
      throw PatternProblem(pattern: pattern, offset: offset, message: pcre2Message(error))
    }
    guard let limits = matchLimits() else {
      pcre2_code_free_8(code)
      throw PatternProblem(pattern: pattern, offset: 0, message: "no memory for the pattern")
    }
    // Where the machine has no JIT this fails, and the interpreter matches: slower, under the same limits.
    _ = pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
    return PCRE2Pattern(pattern, code: code, limits: limits)
  }

  /// A path is bytes, so `(*UTF)` in a pattern is an error. It is one subject and no text of lines, so a newline in a
  /// hostile name must neither end what `.*` takes nor be ignored by `$`.
  private static let options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY

  private func matchLimits() -> OpaquePointer? {
    guard let context = pcre2_match_context_create_8(nil) else { return nil }
    pcre2_set_match_limit_8(context, PCRE2Limits.match)
    pcre2_set_depth_limit_8(context, PCRE2Limits.depth)
    pcre2_set_heap_limit_8(context, PCRE2Limits.heap)
    return context
  }
}

/// PCRE2's own words for one of its error codes.
func pcre2Message(_ code: Int32) -> String {
  // 120 code units hold every message of PCRE2; a longer one would come cut, pcre2api(3).
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
    let length = pcre2_get_error_message_8(code, buffer.baseAddress, buffer.count)
    return length < 0 ? "error \(code)" : String(decoding: buffer.prefix(Int(length)), as: UTF8.self)
  }
}

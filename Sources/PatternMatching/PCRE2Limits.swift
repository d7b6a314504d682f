/// The bounds of one pattern and of one match. They belong to the whole program: a file can lower them for a pattern
/// by `(*LIMIT_MATCH=…)`, never raise them.
package enum PCRE2Limits {
  /// Of a pattern's text, in bytes.
  package static let patternLength = 8 * 1024
  /// How often a match may call PCRE2's internal matching step before it is given up: well below a second.
  package static let match: UInt32 = 1_000_000
  /// How deep backtracking may nest in the interpreter; each level costs memory.
  package static let depth: UInt32 = 100_000
  /// Memory of the interpreter for backtracking, in KiB.
  package static let heap: UInt32 = 8 * 1024
}

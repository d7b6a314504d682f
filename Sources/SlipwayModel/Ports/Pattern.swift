/// Compiles the regular expressions of filters.
public protocol PatternCompiler: Sendable {
  /// Perl's syntax, searched in bytes. Pure; may be called from any thread.
  func compile(_ pattern: String) throws(PatternProblem) -> any Pattern
}

/// A compiled regular expression.
public protocol Pattern: Sendable {
  /// Whether it matches anywhere in `name`. Bounded in time: a pattern that exceeds its match limit throws a
  /// permanent failure that names it. May be called from several threads at once.
  func matches(_ name: [UInt8]) throws(Failure) -> Bool
}

/// Why a regular expression does not compile.
public struct PatternProblem: Error, Hashable, Sendable {
  public let pattern: String
  /// In bytes from the start of the pattern.
  public let offset: Int
  public let message: String

  public init(pattern: String, offset: Int, message: String) {
    self.pattern = pattern
    self.offset = offset
    self.message = message
  }
}

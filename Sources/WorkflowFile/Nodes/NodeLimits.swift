/// The bounds of one workflow file.
enum NodeLimits {
  /// In bytes.
  static let fileSize = 1024 * 1024
  /// Aliases, each counted as often as it is reached.
  static let expansions = 1_000
  /// Keys and values, aliases expanded.
  static let values = 100_000
  /// Lists and mappings in one another.
  static let depth = 32
}

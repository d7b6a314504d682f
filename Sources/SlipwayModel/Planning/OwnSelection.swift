/// `filter` and `exclude` of a tree's own settings, compiled. They are searched in paths relative to the tree, since who
/// writes a tree need not know where it lies.
struct OwnSelection: Sendable {
  private let tree: BytePath
  private let filter: [(rule: FilterRule, pattern: any Pattern)]
  private let exclude: [(rule: FilterRule, pattern: any Pattern)]

  init(_ settings: TreeSettings, of tree: TreeID, _ compiler: any PatternCompiler) {
    self.tree = tree.name
    filter = settings.filter.map { ($0, Self.pattern($0, compiler)) }
    exclude = settings.exclude.map { ($0, Self.pattern($0, compiler)) }
  }

  /// nil where it has nothing to say of a path, relative to the watched directory.
  func verdict(on path: BytePath) throws(Failure) -> FileSelection.Verdict? {
    guard let name = path.relative(to: tree)?.bytes else { return nil }
    for (rule, pattern) in exclude where try pattern.matches(name) { return .skipped(.exclude(rule)) }
    if filter.isEmpty { return nil }
    for (rule, pattern) in filter where try pattern.matches(name) { return .taken(by: rule) }
    return .skipped(.filter)
  }

  /// It did compile when the settings were read; if it no longer does, that is an error of each file.
  private static func pattern(_ rule: FilterRule, _ compiler: any PatternCompiler) -> any Pattern {
    do throws(PatternProblem) {
      return try compiler.compile(rule.pattern)
    } catch {
      return UnusablePattern(problem: error)
    }
  }
}

private struct UnusablePattern: Pattern {
  let problem: PatternProblem

  func matches(_ name: [UInt8]) throws(Failure) -> Bool {
    throw Failure(
      .permanent, "match", BytePath(name).description,
      cause: "bad regular expression at offset \(problem.offset): \(problem.message)")
  }
}

/// Why a file is left out, as `tests:` and `explain` name it.
public enum SkipReason: Sendable, Hashable {
  public enum Name: String, Sendable, Hashable, CaseIterable {
    case filter, exclude, marker, link, special, sidecar, settings
  }

  /// No pattern of `filter` matched.
  case filter
  /// This pattern of `exclude` matched.
  case exclude(FilterRule)
  /// It is a marker of the workflow.
  case marker
  /// A symbolic link.
  case link
  /// A FIFO, socket or device.
  case special
  /// It gives the tags of other files.
  case sidecar
  /// It says how a tree is uploaded.
  case settings

  public var name: Name {
    switch self {
    case .filter: .filter
    case .exclude: .exclude
    case .marker: .marker
    case .link: .link
    case .special: .special
    case .sidecar: .sidecar
    case .settings: .settings
    }
  }

  /// For people; names the line that decided.
  public var explanation: String {
    switch self {
    case .filter: "no pattern of filter matches"
    case .exclude(let rule): "exclude '\(rule.pattern)' (\(rule.location))"
    case .marker: "a marker is never uploaded"
    case .link: "a symbolic link"
    case .special: "not a regular file"
    case .sidecar: "a sidecar gives the tags of the files beside it, and is not uploaded"
    case .settings: "the settings of a tree are not uploaded"
    }
  }
}

/// A workflow's `filter` and `exclude`, compiled, with the names that are never uploaded.
public struct FileSelection: Sendable {
  public enum Verdict: Sendable, Hashable {
    /// The rule of `filter` that took it, nil if there is none at all.
    case taken(by: FilterRule?)
    case skipped(SkipReason)
  }

  private let filter: [(rule: FilterRule, pattern: any Pattern)]
  private let exclude: [(rule: FilterRule, pattern: any Pattern)]
  private let markers: [BytePath]
  private let markersOfRoot: [BytePath]
  private let workflow: Workflow
  /// What the tree at hand says of itself; nil if nothing.
  private var own: OwnSelection?

  /// Throws the first rule that does not compile.
  public init(_ workflow: Workflow, compiler: any PatternCompiler) throws(PatternProblem) {
    filter = try Self.compile(workflow.filter, compiler)
    exclude = try Self.compile(workflow.exclude, compiler)
    let names = workflow.markerNames
    (markers, markersOfRoot) = (Array(names.anywhere), Array(names.inWatchedDirectory))
    self.workflow = workflow
  }

  /// `path` is relative to the watched directory. Throws if a pattern exceeds its limit on it.
  public func verdict(on path: BytePath) throws(Failure) -> Verdict {
    if markers.contains(where: path.hasName) || markersOfRoot.contains(path) { return .skipped(.marker) }
    if workflow.isSidecar(path) { return .skipped(.sidecar) }
    if workflow.readsTreeSettings, path.hasName(TreeSettings.fileName) { return .skipped(.settings) }
    let verdict = try verdictOfWorkflow(on: path)
    guard let own, case .taken = verdict else { return verdict }
    return try own.verdict(on: path) ?? verdict
  }

  private func verdictOfWorkflow(on path: BytePath) throws(Failure) -> Verdict {
    for (rule, pattern) in exclude where try pattern.matches(path.bytes) { return .skipped(.exclude(rule)) }
    if filter.isEmpty { return .taken(by: nil) }
    for (rule, pattern) in filter where try pattern.matches(path.bytes) { return .taken(by: rule) }
    return .skipped(.filter)
  }

  /// The same within what `settings` of a tree take: a file must be taken by both.
  public func narrowed(
    by settings: TreeSettings, of tree: TreeID, compiler: any PatternCompiler
  ) -> FileSelection {
    if settings.filter.isEmpty, settings.exclude.isEmpty { return self }
    var narrowed = self
    narrowed.own = OwnSelection(settings, of: tree, compiler)
    return narrowed
  }

  private static func compile(
    _ rules: [FilterRule], _ compiler: any PatternCompiler
  ) throws(PatternProblem) -> [(FilterRule, any Pattern)] {
    var compiled: [(FilterRule, any Pattern)] = []
    for rule in rules { compiled.append((rule, try compiler.compile(rule.pattern))) }
    return compiled
  }
}

extension Workflow {
  /// The names that mark at any depth, and those that mark only in the watched directory itself.
  public var markerNames: (anywhere: Set<BytePath>, inWatchedDirectory: Set<BytePath>) {
    var ofRoot: Set<BytePath> = []
    if case .markers(let complete, let abort) = stop { ofRoot = Set([complete, abort].compactMap { $0 }) }
    return (Set([intake.markerName].compactMap { $0 }), ofRoot)
  }
}

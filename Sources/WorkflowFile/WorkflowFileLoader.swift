import SlipwayModel

/// What came of loading workflow files.
package struct LoadResult: Sendable {
  /// nil if there was any error.
  package let configuration: Configuration?
  /// Errors and warnings by file, line and column.
  package let problems: [Problem]
}

/// Reads workflow files into a `Configuration`.
///
/// A load looks at the file system (files, hooks, watched directories) and blocks in the kernel, so it belongs on a
/// thread that may. It keeps nothing: it may be made once and used again at any time, also on several threads.
package struct WorkflowFileLoader: Sendable {
  /// What a load looks at.
  package enum Scope: Sendable {
    /// The file alone: for who only looks at what has been done with it.
    case file
    /// Also what it names, and what fits together: directories, hooks, who may write them.
    case fileAndSurroundings
  }

  private let environment: [String: String]
  private let workingDirectory: BytePath
  private let trustPermissions: Bool
  private let patterns: any PatternCompiler
  private let defaultStateDirectory: BytePath?

  /// `environment` is what `${NAME}`, `{env.NAME}` and a bare hook name's PATH are looked up in; `workingDirectory` is
  /// absolute. With `trustPermissions` files that others may write are warned of, not refused. `defaultStateDirectory`
  /// is used where the files name none, and is no part of what is loaded.
  package init(
    environment: [String: String], workingDirectory: BytePath, trustPermissions: Bool = false,
    patterns: any PatternCompiler, defaultStateDirectory: BytePath? = nil
  ) {
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.trustPermissions = trustPermissions
    self.patterns = patterns
    self.defaultStateDirectory = defaultStateDirectory
  }

  /// Reads the files, of which later ones win key by key. Each must exist.
  package func load(_ files: [BytePath], checking scope: Scope = .fileAndSurroundings) -> LoadResult {
    let diagnostics = Diagnostics()
    let writers = WritersCheck(diagnostics: diagnostics, isTrusted: trustPermissions)
    let sources = files.enumerated().compactMap { order, path in
      SourceFile.read(path, order: order, workingDirectory: workingDirectory, writers: writers)
    }
    return load(sources, isComplete: sources.count == files.count, scope, diagnostics)
  }

  /// The same from the text of one file, which is called `file` and need not exist.
  package func load(text: [UInt8], as file: BytePath) -> LoadResult {
    load(texts: [(file, text)])
  }

  /// The same from the texts of several files.
  package func load(texts: [(file: BytePath, text: [UInt8])]) -> LoadResult {
    let diagnostics = Diagnostics()
    let sources = texts.enumerated().map { order, entry in
      SourceFile(order: order, path: entry.file, workingDirectory: workingDirectory, bytes: entry.text)
    }
    return load(sources, isComplete: true, .fileAndSurroundings, diagnostics)
  }

  /// `isComplete` says that no file is missing: of half the files nothing can be said that is true of all.
  private func load(
    _ sources: [SourceFile], isComplete: Bool, _ scope: Scope, _ diagnostics: Diagnostics
  ) -> LoadResult {
    let roots = sources.compactMap { root(of: $0, diagnostics) }
    var configuration: Configuration?
    if isComplete, roots.count == sources.count, let first = roots.first {
      let merged = roots.dropFirst().reduce(first) { $0.overlaid(by: $1) }
      configuration = decoded(merged, roots, scope, diagnostics)
    }
    return LoadResult(
      configuration: diagnostics.hasErrors ? nil : configuration, problems: diagnostics.problems())
  }

  private func root(of source: SourceFile, _ diagnostics: Diagnostics) -> Node? {
    if source.bytes.count > NodeLimits.fileSize {
      diagnostics.error(SourceFile.tooLarge, at: source.start)
      return nil
    }
    guard let root = YAMLComposer(source, diagnostics).document() else { return nil }
    if case .mapping = root.content { return root }
    let problem = root.isNull ? "the file is empty" : "expected a mapping, found \(root.kind)"
    diagnostics.error(problem, at: root.mark)
    return nil
  }

  private func decoded(
    _ merged: Node, _ roots: [Node], _ scope: Scope, _ diagnostics: Diagnostics
  ) -> Configuration {
    let context = DecodingContext(diagnostics: diagnostics, environment: environment, patterns: patterns)
    ConfigurationDraft.checkVersions(roots, context)
    let draft = ConfigurationDraft(decoding: merged, at: roots[0].mark, context)
    if scope == .file { return draft.configuration }
    let writers = WritersCheck(diagnostics: diagnostics, isTrusted: trustPermissions)
    ConfigurationChecks(
      draft: draft, diagnostics: diagnostics, environment: environment, writers: writers, patterns: patterns,
      defaultStateDirectory: defaultStateDirectory
    ).run()
    return draft.configuration
  }
}

import SlipwayModel

private enum TreeSettingsKey: String, CaseIterable {
  case filter, exclude
  case targetPrefix = "target_prefix"
  case tags, metadata
}

/// Reads a tree's own `.slipway.yaml`. Everything in it is taken by the letter: no templates, no environment.
package struct TreeSettingsFile: TreeSettingsReader {
  private let patterns: any PatternCompiler

  package init(patterns: any PatternCompiler) {
    self.patterns = patterns
  }

  /// So many problems stand in the failure.
  private static let toldMax = 3

  package func read(_ text: [UInt8], as file: BytePath) throws(Failure) -> TreeSettings {
    if Self.saysNothing(text) { return TreeSettings() }
    let diagnostics = Diagnostics()
    let source = SourceFile(order: 0, path: file, workingDirectory: BytePath("/"), bytes: text)
    var settings = TreeSettings()
    if text.count > TreeSettings.fileLimit {
      diagnostics.error("the file has more than \(TreeSettings.fileLimit) bytes", at: source.start)
    } else if let root = YAMLComposer(source, diagnostics).document() {
      settings = TreeSettings(
        decoding: root,
        DecodingContext(diagnostics: diagnostics, environment: [:], patterns: patterns, expandsVariables: false))
    }
    if diagnostics.hasErrors { throw Self.failure(diagnostics.problems(), file) }
    return settings
  }

  private static func failure(_ problems: [Problem], _ file: BytePath) -> Failure {
    let told = problems.prefix(toldMax).map { problem in
      "line \(problem.location.line), column \(problem.location.column): \(problem.message)"
    }
    let rest = problems.count - told.count
    return Failure(
      .permanent, "use", file.description, cause: told.joined(separator: "; ") + (rest > 0 ? "; and \(rest) more" : ""))
  }

  /// Blanks and comments alone.
  private static func saysNothing(_ text: [UInt8]) -> Bool {
    text.split(separator: 0x0A).allSatisfy { line in
      let rest = line.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      return rest.isEmpty || rest.first == UInt8(ascii: "#")
    }
  }
}

extension TreeSettings {
  fileprivate init(decoding root: Node, _ context: DecodingContext) {
    self.init()
    guard let reader = MappingReader<TreeSettingsKey>(root, context) else { return }
    filter = context.filterRules(reader[.filter])
    exclude = context.filterRules(reader[.exclude])
    if filter.count + exclude.count > Self.patternsMax {
      context.error("a tree has at most \(Self.patternsMax) patterns", at: reader.mark)
    }
    if let node = reader[.targetPrefix], let text = context.text(node, allowingEmpty: true) {
      let prefix = Array(text.utf8)
      if let problem = Self.problem(withPrefix: prefix) { context.error(problem, at: node.mark) }
      targetPrefix = trimmingSlashes(prefix)
    }
    if let node = reader[.tags] { tags = context.tags(node) }
    if let node = reader[.metadata] { metadata = context.metadata(node) }
  }
}

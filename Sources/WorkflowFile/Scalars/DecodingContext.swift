import SlipwayModel

/// What decoding needs beside the nodes, and the readers of single values: each returns nil where it has reported why.
struct DecodingContext {
  let diagnostics: Diagnostics
  let environment: [String: String]
  let patterns: any PatternCompiler
  /// False for what is taken by the letter: what a tree says of itself.
  var expandsVariables = true

  func error(_ message: String, at mark: Mark) {
    diagnostics.error(message, at: mark)
  }

  /// The scalar as it stands there, nothing expanded.
  func rawText(_ node: Node, expecting expected: String = "text") -> String? {
    guard case .scalar(let scalar) = node.content, !scalar.isNull else {
      error("expected \(expected), found \(node.kind)", at: node.mark)
      return nil
    }
    return scalar.text
  }

  /// The text with its environment variables. No message shows it.
  func text(_ node: Node, expecting expected: String = "text", allowingEmpty: Bool = false) -> String? {
    guard let raw = rawText(node, expecting: expected) else { return nil }
    do throws(SubstitutionProblem) {
      let text = expandsVariables ? try Substitution(environment: environment).expanded(raw) : raw
      if text.utf8.contains(0) { return nil }
      if !text.isEmpty || allowingEmpty { return text }
      error("expected \(expected), found empty text", at: node.mark)
    } catch {
      self.error(error.message, at: node.mark)
    }
    return nil
  }

  /// The items of a list, or a single scalar as the only one.
  func oneOrMore(_ node: Node) -> [Node]? {
    switch node.content {
    case .list(let items): return items
    case .scalar(let scalar) where !scalar.isNull: return [node]
    default:
      error("expected text or a list, found \(node.kind)", at: node.mark)
      return nil
    }
  }

  /// The items of a list.
  func list(_ node: Node) -> [Node]? {
    if case .list(let items) = node.content { return items }
    error("expected a list, found \(node.kind)", at: node.mark)
    return nil
  }

  /// One of the words that name the cases of `Choice`.
  func choice<Choice: RawRepresentable & CaseIterable>(_ node: Node, of type: Choice.Type) -> Choice?
  where Choice.RawValue == String {
    let expected = alternatives(type.allCases.map(\.rawValue))
    guard let text = text(node, expecting: expected) else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    error("expected \(expected), found \(quoted(text))", at: node.mark)
    return nil
  }
}

/// `a, b or c`.
func alternatives(_ words: [String]) -> String {
  guard words.count > 1, let last = words.last else { return words.joined() }
  return words.dropLast().joined(separator: ", ") + " or " + last
}

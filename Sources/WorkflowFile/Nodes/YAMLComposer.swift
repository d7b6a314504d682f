/// Builds the nodes of a file from its events: aliases and merge keys are resolved, and nothing is built beyond
/// `NodeLimits`. Used once.
final class YAMLComposer {
  private let source: SourceFile
  private let diagnostics: Diagnostics
  private let events: YAMLEventStream
  /// nil while the node of the anchor is still being built.
  private var anchors: [String: Node?] = [:]
  private var total = NodeWeight()

  init(_ source: SourceFile, _ diagnostics: Diagnostics) {
    self.source = source
    self.diagnostics = diagnostics
    self.events = YAMLEventStream(source)
  }

  /// The file's only document; nil if it cannot be read to its end, which the diagnostics then say.
  func document() -> Node? {
    do throws(SyntaxProblem) {
      return try composeDocument()
    } catch {
      source.hideSecretsByText()
      diagnostics.error(error.message, at: Mark(source: source, line: error.line, column: error.column))
      return nil
    }
  }

  private func composeDocument() throws(SyntaxProblem) -> Node {
    _ = try events.next()
    guard case .documentStart = try events.next().kind else {
      throw SyntaxProblem(message: "the file is empty", mark: source.start)
    }
    let root = try compose(try events.next(), depth: 0, isSecret: false)
    _ = try events.next()
    let after = try events.next()
    guard case .streamEnd = after.kind else {
      throw SyntaxProblem(message: "only one document may stand in a file", mark: after.mark)
    }
    return root
  }

  private func compose(_ event: YAMLEvent, depth: Int, isSecret: Bool) throws(SyntaxProblem) -> Node {
    if case .alias(let name) = event.kind { return try expand(name, event, depth, isSecret) }
    if let tag = event.tag { diagnostics.error("the tag \(quoted(tag)) is not read here; remove it", at: event.mark) }
    if let anchor = event.anchor { anchors[anchor] = .some(nil) }
    let before = total
    try count(NodeWeight(values: 1), at: event.mark)
    let content = try content(event, depth, isSecret)
    let weight = NodeWeight(
      values: total.values - before.values, expansions: total.expansions - before.expansions,
      height: 1 + content.height)
    let node = Node(content: content, mark: event.mark, weight: weight)
    if let anchor = event.anchor { anchors[anchor] = .some(node) }
    return node
  }

  private func content(_ event: YAMLEvent, _ depth: Int, _ isSecret: Bool) throws(SyntaxProblem) -> Node.Content {
    switch event.kind {
    case .scalar(let scalar):
      if isSecret { source.hide(from: (event.mark.line, event.mark.column), to: event.end) }
      if scalar.text.utf8.contains(0) { diagnostics.error("a NUL byte is not allowed in text", at: event.mark) }
      return .scalar(scalar)
    case .list:
      try checkDepth(depth, event.mark)
      return .list(try items(depth + 1, isSecret))
    default:
      try checkDepth(depth, event.mark)
      return .mapping(try entries(depth + 1, isSecret))
    }
  }

  private func items(_ depth: Int, _ isSecret: Bool) throws(SyntaxProblem) -> [Node] {
    var items: [Node] = []
    while true {
      let event = try events.next()
      if case .listEnd = event.kind { return items }
      items.append(try compose(event, depth: depth, isSecret: isSecret))
    }
  }

  private func entries(_ depth: Int, _ isSecret: Bool) throws(SyntaxProblem) -> [MappingEntry] {
    var builder = MappingBuilder(diagnostics)
    while true {
      let event = try events.next()
      if case .mappingEnd = event.kind { return builder.entries() }
      let key = try compose(event, depth: depth, isSecret: false)
      let hides = isSecret || key.scalarText.map(SecretKeys.hides) ?? false
      builder.add(key, at: event.mark, try compose(try events.next(), depth: depth, isSecret: hides))
    }
  }

  private func expand(
    _ name: String, _ event: YAMLEvent, _ depth: Int, _ isSecret: Bool
  ) throws(SyntaxProblem) -> Node {
    guard let known = anchors[name] else {
      throw SyntaxProblem(message: "unknown alias \(quoted("*" + name))", mark: event.mark)
    }
    guard let node = known else {
      throw SyntaxProblem(message: "the alias \(quoted("*" + name)) stands inside what it repeats", mark: event.mark)
    }
    var weight = node.weight
    weight.expansions += 1
    try count(weight, at: event.mark)
    if depth + node.weight.height > NodeLimits.depth + 1 { throw tooDeep(event.mark) }
    if isSecret { hideScalars(of: node) }
    return node
  }

  private func hideScalars(of node: Node) {
    switch node.content {
    case .scalar: source.hide(from: (node.mark.line, node.mark.column), to: (node.mark.line, Int.max))
    case .list(let items): for item in items { hideScalars(of: item) }
    case .mapping(let entries): for entry in entries { hideScalars(of: entry.value) }
    }
  }

  private func count(_ weight: NodeWeight, at mark: Mark) throws(SyntaxProblem) {
    total.values += weight.values
    total.expansions += weight.expansions
    if total.expansions > NodeLimits.expansions {
      throw SyntaxProblem(message: "aliases expand more than \(NodeLimits.expansions) times", mark: mark)
    }
    if total.values > NodeLimits.values {
      throw SyntaxProblem(message: "the file has more than \(NodeLimits.values) keys and values", mark: mark)
    }
  }

  private func checkDepth(_ depth: Int, _ mark: Mark) throws(SyntaxProblem) {
    if depth >= NodeLimits.depth { throw tooDeep(mark) }
  }

  private func tooDeep(_ mark: Mark) -> SyntaxProblem {
    SyntaxProblem(message: "lists and mappings nest deeper than \(NodeLimits.depth) levels", mark: mark)
  }
}

extension Node {
  /// Unexpanded; nil for lists and mappings.
  var scalarText: String? {
    if case .scalar(let scalar) = content { scalar.text } else { nil }
  }
}

extension Node.Content {
  fileprivate var height: Int {
    switch self {
    case .scalar: 0
    case .list(let items): items.map(\.weight.height).max() ?? 0
    case .mapping(let entries): entries.map(\.value.weight.height).max() ?? 0
    }
  }
}

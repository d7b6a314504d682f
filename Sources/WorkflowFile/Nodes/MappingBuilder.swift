/// Puts the entries of a mapping together: a key stands once, and what `<<` brings yields to what is written out.
struct MappingBuilder {
  private let diagnostics: Diagnostics
  private var explicit: [MappingEntry] = []
  private var merged: [MappingEntry] = []
  private var lines: [String: Int] = [:]

  init(_ diagnostics: Diagnostics) {
    self.diagnostics = diagnostics
  }

  /// `mark` is where the key stands in this mapping, also where it is an alias.
  mutating func add(_ key: Node, at mark: Mark, _ value: Node) {
    guard case .scalar(let scalar) = key.content else {
      diagnostics.error("a key must be text, found \(key.kind)", at: mark)
      return
    }
    let identity = scalar.isMerge ? "" : "=" + scalar.text
    if let line = lines[identity] {
      diagnostics.error("duplicate key \(quoted(scalar.text)); the first one is on line \(line)", at: mark)
      return
    }
    lines[identity] = mark.line
    if scalar.isMerge {
      merge(value)
    } else {
      explicit.append(MappingEntry(key: scalar.text, keyMark: mark, value: value))
    }
  }

  /// In the order of the file, what was merged behind it.
  func entries() -> [MappingEntry] {
    var known = Set(explicit.map(\.key))
    return explicit + merged.filter { known.insert($0.key).inserted }
  }

  private mutating func merge(_ value: Node) {
    switch value.content {
    case .mapping(let entries): merged += entries
    case .list(let items): for item in items { mergeMapping(item) }
    case .scalar: diagnostics.error("'<<' takes a mapping or a list of them, found \(value.kind)", at: value.mark)
    }
  }

  private mutating func mergeMapping(_ node: Node) {
    guard case .mapping(let entries) = node.content else {
      diagnostics.error("'<<' takes a mapping or a list of them, found \(node.kind) in the list", at: node.mark)
      return
    }
    merged += entries
  }
}

extension Scalar {
  fileprivate var isMerge: Bool { isPlain && text == "<<" }
}

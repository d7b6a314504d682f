import SlipwayModel

extension DecodingContext {
  /// The regular expressions of one key; those that do not compile are reported and left out.
  func filterRules(_ node: Node?) -> [FilterRule] {
    guard let node, let items = oneOrMore(node) else { return [] }
    return items.compactMap(filterRule)
  }

  private func filterRule(_ node: Node) -> FilterRule? {
    pattern(node).map { FilterRule(pattern: $0, location: node.mark.location) }
  }

  /// A regular expression that compiles.
  func pattern(_ node: Node) -> String? {
    guard let pattern = text(node, expecting: "a regular expression") else { return nil }
    do throws(PatternProblem) {
      _ = try patterns.compile(pattern)
      return pattern
    } catch {
      self.error("bad regular expression at offset \(error.offset): \(escaped(error.message.utf8))", at: node.mark)
      return nil
    }
  }
}

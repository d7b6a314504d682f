import SlipwayModel

private enum MirrorKey: String, CaseIterable {
  case delete
  case maxDelete = "max_delete"
  case settle
}

extension Intake {
  static func mirror(_ node: Node, named mark: Mark, _ context: DecodingContext) -> Intake? {
    guard let reader = MappingReader<MirrorKey>(node, named: mark, context) else { return nil }
    var rule = MirrorRule()
    if let deletes = reader[.delete].flatMap(context.boolean) { rule.deletes = deletes }
    rule.deleteLimit = reader[.maxDelete].flatMap(context.deleteLimit)
    if reader[.maxDelete] != nil, !rule.deletes {
      context.error("'max_delete' needs 'delete: true'", at: reader.mark(of: .maxDelete))
    }
    if let time = reader[.settle].flatMap({ context.duration($0, in: settleTimes) }) { rule.settleTime = time }
    return .mirror(rule)
  }
}

extension DecodingContext {
  /// A number of objects, or a share of those that are there.
  fileprivate func deleteLimit(_ node: Node) -> MirrorRule.DeleteLimit? {
    let expected = "a number of objects, or a share of them, as in 10%"
    guard let text = text(node, expecting: expected) else { return nil }
    let digits = text.hasSuffix("%") ? text.dropLast() : text[...]
    let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
    if isNumber, digits == "0" || !digits.hasPrefix("0"), let number = Int(digits) {
      if !text.hasSuffix("%") { return .count(number) }
      if number <= 100 { return .percent(number) }
    }
    error("expected \(expected), found \(quoted(text))", at: node.mark)
    return nil
  }
}

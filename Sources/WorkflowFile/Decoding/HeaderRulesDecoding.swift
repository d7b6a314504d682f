import SlipwayModel

private enum HeaderKey: String, CaseIterable {
  case match
  case contentType = "content_type"
  case cacheControl = "cache_control"
  case contentEncoding = "content_encoding"
  case contentDisposition = "content_disposition"
  case contentLanguage = "content_language"
  case expires

  /// As it stands in the request.
  var field: String { rawValue.replacing("_", with: "-") }
}

/// The bounds of `headers:`.
private enum HeaderLimits {
  /// Rules that each object's key may have to be searched for.
  static let rules = 100
  /// Of one value, in bytes.
  static let value = 1024
}

extension DecodingContext {
  /// The rules of `headers:`; those in which something is wrong are reported and left out.
  func headerRules(_ node: Node) -> [S3Destination.HeaderRule] {
    guard let items = list(node) else { return [] }
    if items.count > HeaderLimits.rules {
      error("there are at most \(HeaderLimits.rules) rules, found \(items.count)", at: node.mark)
    }
    return items.compactMap(headerRule)
  }

  private func headerRule(_ node: Node) -> S3Destination.HeaderRule? {
    guard let reader = MappingReader<HeaderKey>(node, self) else { return nil }
    let pattern = reader.required(.match).flatMap(pattern)
    let keys = HeaderKey.allCases.filter { $0 != .match }
    let fields = keys.compactMap { key in
      reader[key].flatMap(headerValue).map { S3Destination.HeaderRule.Field(name: key.field, value: $0) }
    }
    if !keys.contains(where: { reader[$0] != nil }) {
      error("the rule says nothing; it takes \(alternatives(keys.map(\.rawValue)))", at: node.mark)
    }
    return pattern.map { S3Destination.HeaderRule(pattern: $0, fields: fields) }
  }

  private func headerValue(_ node: Node) -> String? {
    guard let text = text(node) else { return nil }
    if AttributeLimits.isPrintable(text), text.utf8.count <= HeaderLimits.value { return text }
    error(
      "a header's value has at most \(HeaderLimits.value) printable ASCII characters, and no blanks at its ends",
      at: node.mark)
    return nil
  }
}

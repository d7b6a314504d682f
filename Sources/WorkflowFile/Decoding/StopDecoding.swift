import SlipwayModel

private enum StopKey: String, CaseIterable {
  case marker, abort, count
}

extension StopRule {
  /// `{marker, abort}` or `{count}`.
  init?(decoding node: Node, intake: Intake, _ context: DecodingContext) {
    guard let reader = MappingReader<StopKey>(node, context) else { return nil }
    let hasMarkers = reader[.marker] != nil || reader[.abort] != nil
    switch (reader[.count], hasMarkers) {
    case (nil, false):
      context.error("missing key 'marker', 'abort' or 'count'", at: node.mark)
      return nil
    case (.some, true):
      context.error("'count' cannot stand beside 'marker' and 'abort'", at: reader.mark(of: .count))
      return nil
    case (let count?, false):
      guard let number = context.integer(count, in: Self.counts) else { return nil }
      self = .count(number)
    case (nil, true):
      self = .markers(
        complete: Self.marker(reader, .marker, intake), abort: Self.marker(reader, .abort, intake))
      if case .markers(let complete?, let abort?) = self, complete == abort {
        context.error("'marker' and 'abort' are the same file", at: reader.mark(of: .abort))
      }
    }
  }

  private static let counts = 1...1_000_000_000

  private static func marker(_ reader: MappingReader<StopKey>, _ key: StopKey, _ intake: Intake) -> BytePath? {
    guard let node = reader[key], let name = reader.context.marker(node) else { return nil }
    if case .marker(name) = intake {
      reader.context.error("'\(name)' is the marker of 'ready' already", at: node.mark)
    }
    return name
  }
}

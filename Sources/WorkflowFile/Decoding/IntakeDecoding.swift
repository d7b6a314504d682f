import SlipwayModel

private enum ReadyKey: String, CaseIterable {
  case marker, settled
}

extension Intake {
  /// A workflow has exactly one intake. Each is a key of the workflow and a case here: another one is another line of
  /// `known`.
  init?(decoding reader: MappingReader<WorkflowKey>) {
    let known: [(WorkflowKey, (Node, Mark, DecodingContext) -> Intake?)] = [
      (.ready, Self.ready), (.queue, Self.queue), (.mirror, Self.mirror),
    ]
    let found = known.filter { reader[$0.0] != nil }
    guard let (key, decode) = found.first, let node = reader[key] else {
      reader.context.error("missing key \(alternatives(known.map { "'\($0.0.rawValue)'" }))", at: reader.mark)
      return nil
    }
    for (other, _) in found.dropFirst() {
      reader.context.error(
        "'\(other.rawValue)' cannot stand beside '\(key.rawValue)': a workflow has one intake",
        at: reader.mark(of: other))
    }
    guard let intake = decode(node, reader.mark(of: key), reader.context) else { return nil }
    self = intake
  }

  private static func ready(_ node: Node, named mark: Mark, _ context: DecodingContext) -> Intake? {
    if case .scalar = node.content { return closed(node, context) }
    guard let reader = MappingReader<ReadyKey>(node, named: mark, context) else { return nil }
    switch (reader[.marker], reader[.settled]) {
    case (let marker?, nil): return context.marker(marker).map(Intake.marker)
    case (nil, let time?): return context.duration(time, in: settleTimes).map(Intake.settled)
    case (.some, .some): context.error("'settled' cannot stand beside 'marker'", at: reader.mark(of: .settled))
    case (nil, nil): context.error("missing key 'marker' or 'settled'", at: reader.mark)
    }
    return nil
  }

  static let settleTimes = Duration.milliseconds(10)...Duration.seconds(86_400)

  private static func closed(_ node: Node, _ context: DecodingContext) -> Intake? {
    let expected = "'closed', { marker: NAME } or { settled: TIME }"
    guard let word = context.text(node, expecting: expected) else { return nil }
    if word == "closed" { return .closed }
    context.error("expected \(expected), found \(quoted(word))", at: node.mark)
    return nil
  }
}

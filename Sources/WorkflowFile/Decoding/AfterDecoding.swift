import SlipwayModel

private enum AfterKey: String, CaseIterable {
  case success, failure, move
}

private enum MoveKey: String, CaseIterable {
  case move
}

private enum DisposalWord: String, CaseIterable {
  case keep, delete
}

/// `after:` with the places of its directories.
struct AfterDraft {
  private(set) var after = After()
  private(set) var moves: [Located<BytePath>] = []

  /// `keep`, `delete` or `{move: DIR}` for a run that went well, or both ends of a run by their names.
  init(decoding node: Node, _ context: DecodingContext) {
    guard case .mapping = node.content else {
      after.success = disposal(node, context) ?? .keep
      return
    }
    guard let reader = MappingReader<AfterKey>(node, context) else { return }
    if reader[.move] == nil {
      decodeEnds(reader)
    } else if reader[.success] != nil || reader[.failure] != nil {
      context.error(
        "'move' cannot stand beside 'success' and 'failure'; write it under one of them", at: reader.mark(of: .move))
    } else {
      after.success = disposal(node, context) ?? .keep
    }
  }

  private mutating func decodeEnds(_ reader: MappingReader<AfterKey>) {
    if reader[.success] == nil, reader[.failure] == nil {
      reader.context.error("missing key 'success' or 'failure'", at: reader.mark)
    }
    if let node = reader[.success] { after.success = disposal(node, reader.context) ?? .keep }
    if let node = reader[.failure] { after.failure = disposal(node, reader.context) ?? .keep }
  }

  private mutating func disposal(_ node: Node, _ context: DecodingContext) -> After.Disposal? {
    switch node.content {
    case .mapping: return move(node, context)
    case .list:
      context.error("expected keep, delete or { move: DIR }, found a list", at: node.mark)
      return nil
    case .scalar: break
    }
    guard let text = context.text(node, expecting: "keep, delete or { move: DIR }") else { return nil }
    switch DisposalWord(rawValue: text) {
    case .keep: return .keep
    case .delete: return .delete
    case nil:
      context.error("expected keep, delete or { move: DIR }, found \(quoted(text))", at: node.mark)
      return nil
    }
  }

  private mutating func move(_ node: Node, _ context: DecodingContext) -> After.Disposal? {
    guard let reader = MappingReader<MoveKey>(node, context), let directory = reader.required(.move),
      let path = context.path(directory)
    else { return nil }
    moves.append(Located(path, directory.mark))
    return .move(path)
  }
}

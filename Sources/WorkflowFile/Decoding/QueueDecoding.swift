import SlipwayModel

private enum QueueKey: String, CaseIterable {
  case working, completed, failed, batch
}

/// `queue:` with the places of its directories.
struct QueueDraft {
  let mark: Mark
  private(set) var working: Located<BytePath>?
  private(set) var completed: Located<After.Disposal>?
  private(set) var failed: Located<After.Disposal>?
  private(set) var batch: Located<Int>?

  init?(decoding node: Node, named mark: Mark, _ context: DecodingContext) {
    guard let reader = MappingReader<QueueKey>(node, named: mark, context) else { return nil }
    self.mark = mark
    working = reader.required(.working).flatMap { node in context.path(node).map { Located($0, node.mark) } }
    completed = reader.required(.completed).flatMap { Self.disposal($0, canResubmit: false, context) }
    failed = reader.required(.failed).flatMap { Self.disposal($0, canResubmit: true, context) }
    batch = reader[.batch].flatMap { node in context.integer(node, in: Self.batches).map { Located($0, node.mark) } }
  }

  static let batches = 1...1_000

  /// The directories, each with its key.
  var directories: [(key: String, path: Located<BytePath>)] {
    var found: [(String, Located<BytePath>)] = []
    if let working { found.append((QueueKey.working.rawValue, working)) }
    for (key, disposal) in [(QueueKey.completed, completed), (.failed, failed)] {
      if case .move(let path) = disposal?.value, let mark = disposal?.mark {
        found.append((key.rawValue, Located(path, mark)))
      }
    }
    return found
  }

  /// A word, or else a directory: one of such a name is written with its path, as `./delete`.
  private static func disposal(
    _ node: Node, canResubmit: Bool, _ context: DecodingContext
  ) -> Located<After.Disposal>? {
    let expected = canResubmit ? "a directory, delete or resubmit" : "a directory or delete"
    guard let text = context.text(node, expecting: expected) else { return nil }
    switch text {
    case "delete": return Located(.delete, node.mark)
    case "resubmit" where canResubmit: return Located(.resubmit, node.mark)
    case "resubmit":
      context.error("what has arrived is not resubmitted; expected \(expected)", at: node.mark)
      return nil
    default: return context.path(text, at: node.mark).map { Located(.move($0), node.mark) }
    }
  }
}

extension Intake {
  /// The rest of it is the draft's.
  static func queue(_ node: Node, named mark: Mark, _ context: DecodingContext) -> Intake? {
    // Its problems are told where the workflow is decoded.
    .queue(working: .here)
  }
}

extension WorkflowDraft {
  mutating func decodeQueue(_ node: Node, _ reader: MappingReader<WorkflowKey>) {
    guard let draft = QueueDraft(decoding: node, named: reader.mark(of: .queue), reader.context) else { return }
    queue = draft
    if case .queue = workflow.intake {
      // A batch of one is none.
      let batch = draft.batch.flatMap { $0.value > 1 ? $0.value : nil }
      workflow.intake = .queue(working: draft.working?.value ?? .here, batch: batch)
    }
    workflow.after = After(success: draft.completed?.value ?? .delete, failure: draft.failed?.value ?? .delete)
  }
}

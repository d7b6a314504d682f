import SlipwayModel

private enum HooksKey: String, CaseIterable {
  case pre, post
}

/// `hooks:` with the places of their programs.
struct HooksDraft {
  private(set) var pre: [Located<Hook>] = []
  private(set) var post: [Located<Hook>] = []

  /// Hooks that are wrong are reported and left out.
  init(decoding node: Node, named mark: Mark, _ context: DecodingContext) {
    guard let reader = MappingReader<HooksKey>(node, named: mark, context) else { return }
    pre = reader[.pre].map { Self.hooks($0, .pre, context) } ?? []
    post = reader[.post].map { Self.hooks($0, .post, context) } ?? []
  }

  private static func hooks(_ node: Node, _ phase: Hook.Phase, _ context: DecodingContext) -> [Located<Hook>] {
    (context.list(node) ?? []).compactMap { context.hook($0, phase) }
  }
}

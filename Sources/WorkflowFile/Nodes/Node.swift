/// One value of a workflow file: text, a list or a mapping, with the place where it stands.
struct Node {
  enum Content {
    case scalar(Scalar)
    case list([Node])
    case mapping([MappingEntry])
  }

  let content: Content
  let mark: Mark
  /// Of the node with all below it, aliases expanded.
  let weight: NodeWeight

  /// With its article, for a message.
  var kind: String {
    switch content {
    case .scalar(let scalar): scalar.isNull ? "nothing" : "text"
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }

  var isNull: Bool {
    if case .scalar(let scalar) = content { scalar.isNull } else { false }
  }
}

/// Text as it stands in the file, `${…}` still in it.
struct Scalar {
  let text: String
  /// Without quotes and no block.
  let isPlain: Bool

  var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(text) }
}

struct MappingEntry {
  let key: String
  let keyMark: Mark
  let value: Node
}

/// What a node costs wherever it is repeated.
struct NodeWeight {
  var values = 0
  var expansions = 0
  var height = 0
}

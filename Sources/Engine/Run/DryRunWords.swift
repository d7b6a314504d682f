import SlipwayModel

extension DryRun.Line {
  /// What it tells, for people: a line for each.
  public var words: [String] {
    switch self {
    case .tree(let tree): ["tree \(tree.path) (workflow \(tree.workflow))"]
    case .item(let tree, let item, let destinations):
      Self.words(item.path == .here ? tree.name : item.path, item, destinations)
    case .failing(let tree, let path, let key, let destination):
      ["fail \(path == .here ? tree.name : path) -> \(destination): \(key) (as --fail-rate says)"]
    case .manifest(_, let key, let destinations):
      destinations.map { "upload the manifest -> \($0.name): \(joinedKey($0.prefix, key.bytes))" }
    case .difference(_, let finding): [finding.words]
    case .problem(_, let failure): ["error: \(failure.message)"]
    case .hook(_, let phase, let hook, nil): ["\(phase.rawValue) hook \(hook.title): not run in a dry run"]
    case .hook(_, let phase, let hook, .some(let ending)): ["\(phase.rawValue) hook \(hook.title): \(ending.words)"]
    }
  }

  /// `path` is relative to the tree; of a tree that is one file, to the watched directory.
  private static func words(_ path: BytePath, _ item: PlanItem, _ destinations: [Destination]) -> [String] {
    switch item.decision {
    case .upload(let planned), .proven(let planned):
      destinations.filter { planned.destinations.contains($0.name) }.map { destination in
        "upload \(path) -> \(destination.name): \(joinedKey(destination.prefix, planned.key.bytes))"
          + (planned.rule.map { " (filter '\($0.pattern)', \($0.location))" } ?? "") + words(ofTags: planned.tags)
      }
    case .skip(let reason): ["skip \(path): \(reason.explanation)"]
    case .answer(let inner, _): ["skip \(path): the marker of the inner tree \(inner), taken with this one"]
    case .fail(let failure): ["error: \(failure.message)"]
    }
  }

  private static func words(ofTags tags: [String: String]) -> String {
    tags.isEmpty ? "" : " (tags \(tags.written.joined(separator: ", ")))"
  }
}

extension MirrorFinding {
  /// For people.
  var words: String {
    switch self {
    case .upload(let path, let key, let destination): "upload \(path) -> \(destination): \(key)"
    case .replace(let path, let key, let destination): "differs \(path) -> \(destination): \(key)"
    case .copy(let path, let key, let destination, let source):
      "copy \(path) -> \(destination): \(key) (from \(source))"
    case .delete(let path, let key, let destination): "delete \(path) at \(destination): \(key)"
    case .skip(let path, let reason): "skip \(path): \(reason.explanation)"
    case .problem(let failure): "error: \(failure.message)"
    }
  }
}

extension [String: String] {
  /// `name=value`, for people, in order of the names.
  public var written: [String] {
    sorted { $0.key < $1.key }.map { "\(escaped($0.key.utf8))=\(escaped($0.value.utf8))" }
  }
}

extension HookResult.Ending {
  /// For people.
  public var words: String {
    switch self {
    case .exited(let code): "ended with \(code)"
    case .signalled(let signal): "ended by signal \(signal)"
    case .timedOut: "ended by its time limit"
    case .cancelled: "stopped"
    case .couldNotStart(let reason): "not started: \(reason)"
    }
  }
}

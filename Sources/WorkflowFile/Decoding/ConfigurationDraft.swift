import SlipwayModel

private enum TopKey: String, CaseIterable {
  case version, settings, destinations, workflows
}

/// All files together, decoded as far as they go.
struct ConfigurationDraft {
  private(set) var settings = Settings()
  private(set) var stateDirectory: Located<BytePath>?
  private(set) var destinations: [DestinationName: DestinationDraft] = [:]
  private(set) var workflows: [WorkflowDraft] = []

  init(decoding node: Node, at start: Mark, _ context: DecodingContext) {
    guard let reader = MappingReader<TopKey>(node, named: start, context) else { return }
    _ = reader.required(.version)
    if let node = reader[.settings] {
      settings = Settings(decoding: node, named: reader.mark(of: .settings), context)
      stateDirectory = Self.stateDirectory(settings, node)
    }
    if let node = reader[.destinations] {
      let drafts = (context.entries(node) ?? []).map { DestinationDraft(decoding: $0, context) }
      destinations = Dictionary(drafts.map { ($0.name, $0) }) { first, _ in first }
    }
    if let node = reader.required(.workflows), let entries = context.entries(node) {
      if entries.isEmpty { context.error("expected at least one workflow, found an empty mapping", at: node.mark) }
      workflows = entries.map { WorkflowDraft(decoding: $0, context) }
    }
  }

  private static func stateDirectory(_ settings: Settings, _ node: Node) -> Located<BytePath>? {
    guard let path = settings.stateDirectory, case .mapping(let entries) = node.content,
      let entry = entries.first(where: { $0.key == SettingsKey.stateDirectory.rawValue })
    else { return nil }
    return Located(path, entry.value.mark)
  }

  /// Only to be used where nothing was wrong.
  var configuration: Configuration {
    Configuration(
      settings: settings, destinations: destinations.compactMapValues(\.destination),
      workflows: workflows.map(\.workflow))
  }

  /// Each file by itself: what a later one says of its version does not make an earlier one readable.
  static func checkVersions(_ roots: [Node], _ context: DecodingContext) {
    for case .mapping(let entries) in roots.map(\.content) {
      guard let node = entries.first(where: { $0.key == TopKey.version.rawValue })?.value,
        let text = context.text(node), text != "1"
      else { continue }
      context.error("this Slipway reads version 1, found \(quoted(text))", at: node.mark)
    }
  }
}

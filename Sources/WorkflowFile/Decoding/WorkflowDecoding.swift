import SlipwayModel

enum WorkflowKey: String, CaseIterable {
  case watch
  case ready
  case queue
  case mirror
  case filter
  case exclude
  case sourcePrefix = "source_prefix"
  case targetPrefix = "target_prefix"
  case destinations
  case hooks
  case after
  case retry
  case commit
  case symlinks
  case stop
  case started
  case sidecar
  case treeSettings = "tree_settings"
  case dryRun = "dry_run"
  case tests
}

extension WorkflowDraft {
  init(decoding entry: MappingEntry, _ context: DecodingContext) {
    mark = entry.keyMark
    workflow = Workflow(
      name: WorkflowName(entry.key), location: entry.keyMark.location, watch: [], intake: .marker(BytePath(".ready")),
      destinations: [])
    context.checkName(entry.key, of: "workflow", at: entry.keyMark)
    guard let reader = MappingReader<WorkflowKey>(entry.value, named: entry.keyMark, context) else { return }
    decodeSource(reader)
    decodeKeys(reader)
    decodeHooks(reader)
    decodeEnding(reader)
  }

  private mutating func decodeSource(_ reader: MappingReader<WorkflowKey>) {
    let context = reader.context
    watch = reader.required(.watch).map(context.directories) ?? []
    workflow.watch = watch.map { WatchDirectory(path: $0.value, location: $0.mark.location) }
    if let intake = Intake(decoding: reader) { workflow.intake = intake }
    if let node = reader[.queue] { decodeQueue(node, reader) }
    workflow.filter = context.filterRules(reader[.filter])
    workflow.exclude = context.filterRules(reader[.exclude])
  }

  private mutating func decodeKeys(_ reader: MappingReader<WorkflowKey>) {
    let context = reader.context
    if let node = reader[.sourcePrefix], let path = context.path(node) { sourcePrefix = Located(path, node.mark) }
    workflow.sourcePrefix = sourcePrefix?.value
    if let node = reader[.targetPrefix], let template = context.template(node) {
      (workflow.targetPrefix, targetPrefix) = (template, node.mark)
    }
    destinations = reader.required(.destinations).map(context.destinationNames) ?? []
    workflow.destinations = destinations.map(\.value)
  }

  private mutating func decodeHooks(_ reader: MappingReader<WorkflowKey>) {
    guard let node = reader[.hooks] else { return }
    let draft = HooksDraft(decoding: node, named: reader.mark(of: .hooks), reader.context)
    workflow.hooks = Hooks(pre: draft.pre.map(\.value), post: draft.post.map(\.value))
    hooks = draft.pre + draft.post
  }

  private mutating func decodeEnding(_ reader: MappingReader<WorkflowKey>) {
    let context = reader.context
    if reader[.after] != nil, reader[.queue] != nil {
      context.error(
        "'after' cannot stand beside 'queue', whose 'completed' and 'failed' say what becomes of a file",
        at: reader.mark(of: .after))
    } else if let node = reader[.after] {
      let draft = AfterDraft(decoding: node, context)
      (workflow.after, after, moves) = (draft.after, node.mark, draft.moves)
    }
    if let node = reader[.retry] {
      workflow.retry = RetryPolicy(decoding: node, named: reader.mark(of: .retry), context)
    }
    if let node = reader[.commit], let choice = context.choice(node, of: Commit.self) {
      (workflow.commit, commit) = (choice, node.mark)
    }
    if let choice = reader[.symlinks].flatMap({ context.choice($0, of: SymlinkPolicy.self) }) {
      (workflow.symlinks, symlinks) = (choice, reader.mark(of: .symlinks))
    }
    workflow.stop = reader[.stop].flatMap { StopRule(decoding: $0, intake: workflow.intake, context) }
    if let node = reader[.started], let path = context.path(node) { started = Located(path, node.mark) }
    workflow.started = started?.value
    if let node = reader[.sidecar], let name = context.sidecar(node) {
      (workflow.sidecar, sidecar) = (name, reader.mark(of: .sidecar))
    }
    workflow.readsTreeSettings = reader[.treeSettings].flatMap(context.boolean) ?? false
    treeSettings = reader[.treeSettings].map { _ in reader.mark(of: .treeSettings) }
    workflow.isDryRun = reader[.dryRun].flatMap(context.boolean) ?? false
    workflow.tests = reader[.tests].map(context.tests) ?? []
  }
}

extension DecodingContext {
  fileprivate func directories(_ node: Node) -> [Located<BytePath>] {
    guard let items = oneOrMore(node) else { return [] }
    if items.isEmpty { error("expected at least one directory, found an empty list", at: node.mark) }
    return items.compactMap { item in path(item).map { Located($0, item.mark) } }
  }

  fileprivate func destinationNames(_ node: Node) -> [Located<DestinationName>] {
    guard let items = list(node) else { return [] }
    if items.isEmpty { error("expected at least one destination, found an empty list", at: node.mark) }
    return items.compactMap { item in
      text(item, expecting: "the name of a destination").map { Located(DestinationName($0), item.mark) }
    }
  }
}

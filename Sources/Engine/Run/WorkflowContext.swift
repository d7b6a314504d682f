import SlipwayModel

/// A workflow with all that its runs share: its patterns compiled, its destinations resolved.
struct WorkflowContext: Sendable {
  let workflow: Workflow
  let selection: FileSelection
  let destinations: [Destination]

  /// Throws a permanent failure for a pattern that does not compile or a destination that is not there; the check of
  /// the workflow file has found both before.
  init(_ workflow: Workflow, of configuration: Configuration, patterns: any PatternCompiler) throws(Failure) {
    self.workflow = workflow
    do throws(PatternProblem) {
      selection = try FileSelection(workflow, compiler: patterns)
    } catch {
      throw Failure(
        .permanent, "use the workflow", workflow.name.text,
        cause: "bad regular expression '\(error.pattern)' at offset \(error.offset): \(error.message)")
    }
    var resolved: [Destination] = []
    for name in workflow.destinations {
      guard let destination = configuration.destinations[name] else {
        throw Failure(.permanent, "use the workflow", workflow.name.text, cause: "there is no destination '\(name)'")
      }
      resolved.append(destination)
    }
    destinations = resolved
  }

  /// Of every workflow that `only` names, of all for nil; in the order of the file.
  static func all(
    of configuration: Configuration, _ only: Set<WorkflowName>?, patterns: any PatternCompiler
  ) throws(Failure) -> [WorkflowContext] {
    var contexts: [WorkflowContext] = []
    for workflow in configuration.workflows where only?.contains(workflow.name) ?? true {
      contexts.append(try WorkflowContext(workflow, of: configuration, patterns: patterns))
    }
    return contexts
  }

  /// The target prefix of a run, its templates evaluated now.
  func evaluatedPrefix(for run: Run, ports: EnginePorts) -> [UInt8] {
    workflow.targetPrefix.evaluated(
      with: Template.Values(
        workflow: run.tree.workflow, tree: run.tree.name == .here ? run.tree.watch.name : run.tree.name, run: run.id,
        date: CalendarDate(ports.clock.now()), environment: ports.environment, host: ports.host))
  }

  func mapping(for tree: TreeID, targetPrefix: [UInt8]) -> KeyMapping {
    KeyMapping(watch: tree.watch, sourcePrefix: workflow.sourcePrefix, targetPrefix: targetPrefix)
  }

  /// Where its hooks are started: in the tree, or beside a tree that is one file.
  func hookDirectory(of tree: TreeID, _ files: any TreeFiles) -> BytePath {
    switch workflow.intake {
    case .marker, .mirror: return tree.path
    case .closed: return tree.path.parent
    case .queue(let working, _): return working
    case .settled:
      // What cannot be told is no file.
      guard case .some(.some) = try? files.fingerprint(.here, in: tree.path) else { return tree.path }
      return tree.path.parent
    }
  }

  /// Without a destination's prefix.
  func manifestKey(of run: Run) -> ObjectKey {
    mapping(for: run.tree, targetPrefix: run.fullTargetPrefix).manifestKey(ofTree: run.tree.name)
  }

  /// Of a run: its prefix and its tree's settings are fixed.
  func planner(for run: Run, _ ports: EnginePorts) -> Planner {
    let (tree, files) = (run.tree, ports.files.with(workflow.symlinks))
    return Planner(
      tree: tree, workflow: workflow,
      selection: selection.narrowed(by: run.settings, of: tree, compiler: ports.patterns),
      mapping: mapping(for: tree, targetPrefix: run.fullTargetPrefix),
      destinations: destinations.map { ($0.name, $0.prefix) }, tags: run.settings.tags,
      lookUp: { path throws(Failure) in try files.fingerprint(path, in: tree.watch) },
      read: { path throws(Failure) in try files.content(of: path, in: tree.watch, limit: Workflow.sidecarLimit) })
  }
}

extension WorkflowContext {
  /// What the tree says of itself now. A link in the place of its file is not followed, and is told by the walk.
  func settings(of tree: TreeID, _ ports: EnginePorts) throws(Failure) -> TreeSettings {
    guard workflow.readsTreeSettings,
      let text = try ports.files.content(of: TreeSettings.fileName, in: tree.path, limit: TreeSettings.fileLimit)
    else { return TreeSettings() }
    return try ports.treeSettings.read(text, as: tree.path.appending(TreeSettings.fileName))
  }
}

extension Workflow {
  /// Whether what an earlier run of a tree has proven is not sent again by the next.
  var sparesUploads: Bool { settleTime != nil }
}

extension Run {
  /// The evaluated prefix of the workflow, then what a pre hook put behind it, or else the tree itself.
  var fullTargetPrefix: [UInt8] {
    let own = trimmingSlashes(targetPrefix ?? [])
    let behind = output.targetPrefix.isEmpty ? settings.targetPrefix : output.targetPrefix
    return behind.isEmpty ? own : joinedKey(own, behind).bytes
  }

  /// What each of its objects is given, where a sidecar says nothing of its own.
  var attributes: ObjectAttributes {
    ObjectAttributes(
      tags: settings.tags.merging(output.tags) { _, hooks in hooks },
      metadata: settings.metadata.merging(output.metadata) { _, hooks in hooks })
  }
}

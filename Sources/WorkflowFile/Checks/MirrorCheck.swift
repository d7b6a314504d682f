import SlipwayModel

extension ConfigurationChecks {
  /// What makes no sense where the objects are kept like the watched directory.
  func checkMirror(_ workflow: WorkflowDraft) {
    guard workflow.workflow.intake.mirrorRule != nil else { return }
    for part in workflow.workflow.targetPrefix.parts {
      guard let field = part.nameOfChanging, let mark = workflow.targetPrefix else { continue }
      diagnostics.error("a mirror's objects lie at one place: \(field) cannot stand in its target_prefix", at: mark)
    }
    if let after = workflow.after, !workflow.keepsFiles {
      diagnostics.error("a mirror keeps its files: 'after' may only be keep", at: after)
    }
    if let commit = workflow.commit, workflow.workflow.commit == .manifest {
      diagnostics.error("'commit: manifest' is for trees that are delivered once, not for a mirror", at: commit)
    }
    if let sidecar = workflow.sidecar {
      diagnostics.error("a mirror does not send a file again for its sidecar: remove 'sidecar'", at: sidecar)
    }
    if let mark = workflow.treeSettings, workflow.workflow.readsTreeSettings {
      diagnostics.error("a mirror's tree is the watched directory itself: remove 'tree_settings'", at: mark)
    }
    for reference in workflow.destinations {
      guard case .s3(let settings)? = draft.destinations[reference.value]?.destination?.kind,
        settings.overwrite == .never
      else { continue }
      diagnostics.warning(
        "with 'overwrite: never' of '\(reference.value)' a file that has changed is an error of each run of the mirror, "
          + "and nothing is deleted then", at: reference.mark)
    }
    guard let prefix = workflow.sourcePrefix else { return }
    for directory in workflow.watch where directory.value != prefix.value && prefix.value.isWithin(directory.value) {
      diagnostics.error(
        "'\(prefix.value)' lies below the watched directory '\(directory.value)': of a mirror every key begins alike",
        at: prefix.mark)
    }
  }

  /// Where a mirror deletes, nobody else may store: no other mirror, no other watched directory, no other workflow. Told
  /// at the later one, once for each, as far as the file shows it.
  func checkMirroredPlaces() {
    var places: [KeyPlace] = []
    for workflow in draft.workflows {
      let own = Self.places(of: workflow, draft.destinations)
      for place in own {
        guard let other = places.first(where: { $0.clashes(with: place) }) else { continue }
        diagnostics.error(place.problem(with: other), at: place.mark)
        break
      }
      places += own
    }
    for (index, workflow) in draft.workflows.enumerated() where workflow.workflow.intake.mirrorRule != nil {
      checkOwnPlaces(Self.places(of: draft.workflows[index], draft.destinations))
    }
  }

  private func checkOwnPlaces(_ places: [KeyPlace]) {
    for (index, later) in places.enumerated() {
      guard let earlier = places[..<index].first(where: { $0.clashes(with: later) }) else { continue }
      diagnostics.error(later.problem(with: earlier), at: later.mark)
      return
    }
  }

  private static func places(
    of workflow: WorkflowDraft, _ destinations: [DestinationName: DestinationDraft]
  ) -> [KeyPlace] {
    let isMirror = workflow.workflow.intake.mirrorRule != nil
    let (literal, isWhole) = workflow.workflow.targetPrefix.literal(of: workflow.name)
    // Of another workflow it is enough to know a directory that all of its keys lie in.
    if isMirror, !isWhole { return [] }
    return workflow.destinations.flatMap { reference -> [KeyPlace] in
      guard let destination = destinations[reference.value]?.destination else { return [] }
      return workflow.watch.compactMap { watch in
        let mapping = KeyMapping(
          watch: watch.value, sourcePrefix: workflow.workflow.sourcePrefix, targetPrefix: literal)
        guard let stem = isWhole ? mapping.stem : literal else { return nil }
        let front = trimmingSlashes(joinedKey(destination.prefix, stem).bytes)
        let (store, root) = KeyPlace.Store.place(of: destination)
        return KeyPlace(
          workflow: workflow.name, isMirror: isMirror, store: store, path: root.appending(BytePath(front)),
          isWhole: isWhole, watch: watch.value, mark: reference.mark)
      }
    }
  }
}

/// Where a workflow stores what lies below one watched directory.
private struct KeyPlace {
  enum Store: Equatable {
    case bucket(String, endpoint: String?)
    /// All of them: one may lie within the other.
    case directories
    case plugin(BytePath, [String])

    /// And what stands in front of each key there.
    static func place(of destination: Destination) -> (Store, root: BytePath) {
      switch destination.kind {
      case .s3(let settings): (.bucket(settings.bucket, endpoint: settings.endpoint), .here)
      case .directory(let path): (.directories, path.normalized)
      case .plugin(let settings): (.plugin(settings.program, settings.arguments), .here)
      }
    }
  }

  let workflow: WorkflowName
  let isMirror: Bool
  let store: Store
  /// In front of every key.
  let path: BytePath
  /// Whether all keys lie directly behind it; else it is only what they begin with.
  let isWhole: Bool
  let watch: BytePath
  let mark: Mark

  func clashes(with other: KeyPlace) -> Bool {
    guard isMirror || other.isMirror, store == other.store else { return false }
    if !isWhole { return path.isWithin(other.path) }
    if !other.isWhole { return other.path.isWithin(path) }
    // One that only stores may lie around a mirror: what it stores there it stores at keys of its own, mostly.
    if isMirror, path.isWithin(other.path), !other.isMirror { return path == other.path }
    if other.isMirror, other.path.isWithin(path), !isMirror { return path == other.path }
    return path.isWithin(other.path) || other.path.isWithin(path)
  }

  func problem(with other: KeyPlace) -> String {
    let place =
      path == .here
      ? "the whole of one destination" : store == .directories ? "'\(path)'" : "'\(path)' of one destination"
    let owner =
      workflow == other.workflow
      ? "'\(watch)' and '\(other.watch)' both go" : "the workflows '\(other.workflow)' and '\(workflow)' both store"
    return "\(owner) to \(place), where a mirror takes what is not its own for gone; "
      + "give each a target_prefix of its own"
  }
}

extension Template {
  /// The bytes where they are the same in every run and on every machine; otherwise those of the components in front of
  /// what may change.
  fileprivate func literal(of workflow: WorkflowName) -> (bytes: [UInt8], isWhole: Bool) {
    var bytes: [UInt8] = []
    for part in parts {
      switch part {
      case .literal(let text): bytes += text
      case .workflow: bytes += workflow.text.utf8
      case .date, .run, .tree, .environment, .host:
        return (Array(bytes[..<(bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0)]), false)
      }
    }
    return (bytes, true)
  }
}

extension Template.Part {
  /// The field's name if it may be another one in another run.
  fileprivate var nameOfChanging: String? {
    switch self {
    case .date: "{date}"
    case .run: "{run}"
    case .tree: "{tree}"
    case .literal, .workflow, .environment, .host: nil
    }
  }
}

import SlipwayModel

/// Compares what lies in a workflow's directories with what lies at its destinations: by listings, sizes, checksums and
/// ETags, whatever the ledger says. Changes nothing.
public struct Verification: Sendable {
  private let context: WorkflowContext
  private let ports: EnginePorts

  public init(_ workflow: Workflow, of configuration: Configuration, ports: EnginePorts) throws(Failure) {
    context = try WorkflowContext(workflow, of: configuration, patterns: ports.patterns)
    self.ports = ports
  }

  /// Calls `tell` for each difference. What lies at a destination and in no tree is one only where a mirror would delete
  /// it.
  public func run(_ tell: (MirrorFinding) -> Void) async throws(Failure) -> MirrorCount {
    var count = MirrorCount()
    for watch in context.workflow.watch {
      for tree in try trees(in: watch.path, &count, tell) {
        do throws(Failure) {
          count += try await compare(tree, tell)
        } catch {
          if error.kind == .fatal { throw error }
          count.problems += 1
          tell(.problem(error))
        }
      }
    }
    return count
  }

  private var workflow: Workflow { context.workflow }

  /// What lies there as trees. Where all of them lie under one prefix the watched directory stands for them.
  private func trees(
    in watch: BytePath, _ count: inout MirrorCount, _ tell: (MirrorFinding) -> Void
  ) throws(Failure) -> [TreeID] {
    let whole = TreeID(workflow: workflow.name, watch: watch, name: .here)
    guard let marker = workflow.intake.markerName else {
      if workflow.intake.mirrorRule != nil || hasOnePrefix { return [whole] }
      return try unmarked(in: watch)
    }
    let search = try ports.files.find([marker], in: watch)
    var found: [BytePath] = []
    while let path = search.next() { found.append(path) }
    for problem in search.problems {
      count.problems += 1
      tell(.problem(problem))
    }
    let trees = found.sorted().flatMap { workflow.trees(markedBy: $0) }.filter { $0.watch == watch }
    // An outer tree has taken the inner ones with it.
    return trees.filter { tree in !trees.contains { $0 != tree && tree.path.isWithin($0.path) } }
  }

  private func unmarked(in watch: BytePath) throws(Failure) -> [TreeID] {
    var names: [BytePath] = []
    let walk = try ports.files.walk(watch)
    while let entry = walk.next() {
      guard case .file = entry.kind, case .taken = try context.selection.verdict(on: entry.path) else { continue }
      let name = workflow.intake == .closed ? entry.path : entry.path.firstComponent
      if names.last != name { names.append(name) }
    }
    return names.map { TreeID(workflow: workflow.name, watch: watch, name: $0) }
  }

  /// Whether no key depends on its run.
  private var hasOnePrefix: Bool {
    workflow.hooks.pre.isEmpty
      && workflow.targetPrefix.parts.allSatisfy { part in
        switch part {
        case .tree, .run, .date: false
        case .literal, .workflow, .environment, .host: true
        }
      }
  }

  /// The run that delivered it, where there was one: it says where to.
  private func run(of tree: TreeID) async throws(Failure) -> Run {
    if let run = try await ports.ledger.latestRun(of: tree), run.targetPrefix != nil { return run }
    return context.runForLooking(at: tree, ports)
  }

  private func compare(_ tree: TreeID, _ tell: (MirrorFinding) -> Void) async throws(Failure) -> MirrorCount {
    let run = try await run(of: tree)
    let planner = context.planner(for: run, ports)
    let files = ports.files.with(workflow.symlinks)
    if let file = try files.fingerprint(.here, in: tree.path) {
      return try await compare(planner.decide(WalkEntry(path: .here, kind: .file(file))), tree, files, tell)
    }
    let targets = try await MirrorTarget.all(
      of: tree, context, targetPrefix: run.fullTargetPrefix, ports: ports, alwaysLists: true)
    let reader = MirrorReader(
      tree, .whole, to: targets, context, planner: planner, ports: ports, ledger: NoMirrorRecords())
    let preview = MirrorPreview(
      tree: tree, targets: targets, reader: reader, files: files,
      deletes: workflow.intake.mirrorRule?.deletes == true)
    return try await preview.run(tell)
  }

  /// Of a tree that is one file.
  private func compare(
    _ item: PlanItem, _ tree: TreeID, _ files: any TreeFiles, _ tell: (MirrorFinding) -> Void
  ) async throws(Failure) -> MirrorCount {
    var count = MirrorCount()
    guard case .upload(let planned) = item.decision else { return count }
    for destination in context.destinations {
      guard let store = ports.stores[destination.name] else { continue }
      let key = joinedKey(destination.prefix, planned.key.bytes)
      count.compared += 1
      guard let head = try await store.head(key) else {
        count.different += 1
        tell(.upload(tree.name, key, at: destination.name))
        continue
      }
      let known = KnownObject(size: head.size, etag: head.etag, checksum: head.checksum)
      let file = try files.open(.here, in: tree.path)
      if try await store.recognise(file, at: key, as: known) == nil {
        count.different += 1
        tell(.replace(tree.name, key, at: destination.name))
      }
    }
    return count
  }
}

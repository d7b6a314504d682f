import SlipwayModel

/// Compares what lies in a workflow's directories with what lies at its destinations: by listings, sizes, checksums and
/// ETags, whatever the ledger says. Changes nothing.
public struct Verification: Sendable {
  private let context: WorkflowContext
  private let ports: EnginePorts
  private let transfers: Int
  private let meter: TransferMeter

  /// `meter` counts the files that have been compared, and their bytes.
  public init(
    _ workflow: Workflow, of configuration: Configuration, ports: EnginePorts, meter: TransferMeter = TransferMeter()
  ) throws(Failure) {
    context = try WorkflowContext(workflow, of: configuration, patterns: ports.patterns)
    self.ports = ports
    self.meter = meter
    transfers = configuration.settings.transfers
  }

  /// Calls `tell` for each difference, in the order of the trees and in them of the paths. What lies at a destination and
  /// in no tree is one only where a mirror would delete it.
  public func run(_ tell: (MirrorFinding) -> Void) async throws(Failure) -> MirrorCount {
    try await withTaskExecutorPreference(ports.fileExecutor) { () async throws(Failure) in
      var count = MirrorCount()
      for watch in workflow.watch {
        try await compare(try trees(in: watch.path, &count, tell), &count, tell)
      }
      return count
    }
  }

  private func compare(
    _ trees: [TreeID], _ count: inout MirrorCount, _ tell: (MirrorFinding) -> Void
  ) async throws(Failure) {
    var rest = trees[...]
    while !rest.isEmpty {
      count += try await compareFiles(&rest, tell)
      guard let tree = rest.popFirst() else { return }
      do throws(Failure) {
        count += try await compare(tree, tell)
      } catch {
        if error.kind == .fatal { throw error }
        count.problems += 1
        tell(.problem(error))
      }
    }
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
    let targets = try await MirrorTarget.all(
      of: tree, context, targetPrefix: run.fullTargetPrefix, ports: ports, alwaysLists: true)
    let reader = MirrorReader(
      tree, .whole, to: targets, context, planner: context.planner(for: run, ports), ports: ports,
      ledger: NoMirrorRecords())
    let preview = MirrorPreview(
      tree: tree, targets: targets, reader: reader, files: files,
      deletes: workflow.intake.mirrorRule?.deletes == true, placesMax: transfers, meter: meter)
    return try await preview.run(tell)
  }

  private var files: any TreeFiles { ports.files.with(workflow.symlinks) }

  // MARK: Trees that are one file

  /// What has come of one.
  private struct Outcome: Sendable {
    var findings: [MirrorFinding] = []
    var count = MirrorCount()
    var fatal: Failure?
  }

  /// Takes those that come first.
  private func compareFiles(
    _ trees: inout ArraySlice<TreeID>, _ tell: (MirrorFinding) -> Void
  ) async throws(Failure) -> MirrorCount {
    var (rest, count, fatal) = (trees, MirrorCount(), Failure?.none)
    try await sideBySide(atMost: transfers) { () async throws(Failure) -> Piece<Outcome>? in
      // What cannot be looked at here is told by whoever takes it for a directory.
      guard fatal == nil, let tree = rest.first, let file = try? files.fingerprint(.here, in: tree.path) else {
        return nil
      }
      rest.removeFirst()
      return .work { await compare(tree, file) }
    } _: { outcome in
      count += outcome.count
      fatal = fatal ?? outcome.fatal
      for finding in outcome.findings { tell(finding) }
    }
    if let fatal { throw fatal }
    trees = rest
    return count
  }

  private func compare(_ tree: TreeID, _ file: Fingerprint) async -> Outcome {
    var outcome = Outcome()
    do throws(Failure) {
      let planner = context.planner(for: try await run(of: tree), ports)
      guard case .upload(let planned) = planner.decide(WalkEntry(path: .here, kind: .file(file))).decision else {
        return outcome
      }
      for destination in context.destinations {
        guard let store = ports.stores[destination.name] else { continue }
        let key = joinedKey(destination.prefix, planned.key.bytes)
        outcome.count.compared += 1
        guard let finding = try await finding(tree, key, at: destination.name, store) else { continue }
        outcome.count.different += 1
        outcome.findings.append(finding)
      }
    } catch {
      if error.kind == .fatal { outcome.fatal = error }
      outcome.count.problems += 1
      outcome.findings.append(.problem(error))
    }
    meter.delivered()
    return outcome
  }

  /// nil if both are equal.
  private func finding(
    _ tree: TreeID, _ key: ObjectKey, at destination: DestinationName, _ store: any ObjectStore
  ) async throws(Failure) -> MirrorFinding? {
    guard let head = try await store.head(key) else { return .upload(tree.name, key, at: destination) }
    let file = try files.open(.here, in: tree.path)
    let known = KnownObject(size: head.size, etag: head.etag, checksum: head.checksum)
    let isEqual = try await store.recognise(file, at: key, as: known) != nil
    meter.sent(file.fingerprint.size)
    return isEqual ? nil : .replace(tree.name, key, at: destination)
  }
}

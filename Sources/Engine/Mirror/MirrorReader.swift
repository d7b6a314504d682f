import SlipwayModel

/// A mirror's plan as it comes: the walk of the tree, the ledger's rows and, where it does not know all, the listings of
/// the destinations, merged by path. Nothing is held but the heads of each. Not for two tasks at once.
final class MirrorReader {
  struct Step: Sendable {
    enum Decision: Sendable {
      /// Skipped, in place at every destination, or it cannot be uploaded.
      case item(PlanItem)
      case upload(PlanItem, [DestinationName: MirrorApproach])
      /// At these destinations lies what the tree does not have.
      case gone(BytePath, [DestinationName])
      /// Left until it is closed, or nothing to tell.
      case none
      /// What lies there cannot be told: nothing more is decided for this destination.
      case lost(DestinationName, Failure)
    }

    var decision: Decision = .none
    /// What the ledger is to know from now on.
    var writes: [MirroredObject] = []
    /// Rows that tell nothing true any more.
    var forgets: [MirroredObject] = []
    /// A directory on which another file system is mounted, seen for the first time.
    var mount: BytePath?
  }

  private let tree: TreeID
  private let scope: MirrorScope
  private let targets: [MirrorTarget]
  private let planner: Planner
  private let selection: FileSelection
  private let files: any TreeFiles
  private let ledger: any MirrorRecords
  /// Whether rows are kept of what the tree does not have.
  private let notesOthers: Bool
  /// Who minds the files that somebody has open for writing, which are left for later; nil where they are taken.
  private let openFiles: OpenFiles?

  private var parts: ArraySlice<BytePath>
  private var part: BytePath = .here
  private var walk: (any TreeWalk)?
  private var held: WalkEntry?
  private var rows: MirrorRowPages?
  private var listings: [MirrorListing]
  private var mounts: SeenMounts
  /// Destinations of which it cannot be told what lies there.
  private(set) var lost: Set<DestinationName> = []
  /// Nothing is concluded of what lies in the directory that could not be read last.
  private var unreadable: BytePath?
  /// Files that the filter takes.
  private(set) var taken = 0

  init(
    _ tree: TreeID, _ scope: MirrorScope, to targets: [MirrorTarget], _ context: WorkflowContext, planner: Planner,
    ports: EnginePorts, ledger: (any MirrorRecords)? = nil, leavingTo openFiles: OpenFiles? = nil
  ) {
    self.tree = tree
    let isWhole = targets.contains(where: \.isListed)
    self.scope = isWhole ? .whole : scope
    self.targets = targets
    self.planner = planner
    selection = context.selection
    files = ports.files.with(context.workflow.symlinks)
    self.ledger = ledger ?? ports.ledger
    mounts = SeenMounts(in: tree.path, files)
    notesOthers = context.workflow.intake.mirrorRule?.deletes == true
    self.openFiles = self.scope == .whole ? nil : openFiles
    parts = self.scope.roots[...]
    listings = targets.filter(\.isListed).map { MirrorListing($0) }
  }

  /// The next step, nil at the end.
  nonisolated(nonsending) func next() async throws(Failure) -> Step? {
    while true {
      if rows == nil {
        guard let next = parts.popFirst() else { return nil }
        try begin(next)
      }
      if let lost = try await lostListing() { return lost }
      guard let path = try await nextPath() else {
        (rows, walk, held) = (nil, nil, nil)
        continue
      }
      return try await step(at: path)
    }
  }

  private func begin(_ next: BytePath) throws(Failure) {
    part = next
    rows = MirrorRowPages(of: tree, within: next, in: ledger)
    unreadable = nil
    do throws(Failure) {
      walk = try files.walk(tree.path.appending(next))
    } catch {
      // A part may be gone; the watched directory itself may not.
      guard next != .here, ["ENOENT", "ENOTDIR", "ELOOP"].contains(error.code) else { throw error }
      walk = nil
    }
    advance()
  }

  private func advance() {
    held = walk?.next().map { WalkEntry(path: part.appending($0.path), kind: $0.kind) }
    if held == nil { walk = nil }
  }

  /// A destination whose listing cannot be read on is told once.
  nonisolated(nonsending) private func lostListing() async throws(Failure) -> Step? {
    for index in listings.indices {
      do throws(Failure) {
        _ = try await listings[index].nextPath()
      } catch {
        let name = listings.remove(at: index).target.name
        lost.insert(name)
        return Step(decision: .lost(name, error))
      }
    }
    return nil
  }

  nonisolated(nonsending) private func nextPath() async throws(Failure) -> BytePath? {
    var first = held?.path
    if let row = try await rows?.nextPath() { first = first.map { min($0, row) } ?? row }
    for index in listings.indices {
      if let path = try await listings[index].nextPath() { first = first.map { min($0, path) } ?? path }
    }
    return first
  }

  nonisolated(nonsending) private func step(at path: BytePath) async throws(Failure) -> Step {
    var sight = Sight(path: path, rows: rows?.take(path) ?? [])
    for index in listings.indices { sight.objects[listings[index].target.name] = listings[index].take(path) }
    guard let entry = held, entry.path == path else { return absent(sight) }
    advance()
    switch entry.kind {
    case .unreadable:
      unreadable = path
      return Step(decision: .item(planner.decide(entry)))
    case .link, .special:
      var step = absent(sight)
      if case .none = step.decision { step.decision = .item(planner.decide(entry)) }
      return step
    case .file(let fingerprint): return try await present(planner.decide(entry), fingerprint, sight)
    }
  }

  /// What is known of one path.
  private struct Sight {
    let path: BytePath
    let rows: [MirroredObject]
    var objects: [DestinationName: ListedObject] = [:]

    func row(_ destination: DestinationName) -> MirroredObject? { rows.first { $0.destination == destination } }
  }

  // MARK: No file

  private func absent(_ sight: Sight) -> Step {
    if let unreadable, sight.path.isWithin(unreadable) { return Step() }
    // A pattern that gives up on the name has told nothing: it is left alone.
    guard let verdict = try? selection.verdict(on: sight.path) else { return Step() }
    guard case .taken = verdict else { return Step(forgets: sight.rows) }
    var step = Step()
    var gone: [DestinationName] = []
    for target in targets where !lost.contains(target.name) {
      let row = sight.row(target.name)
      let isThere = target.isListed ? sight.objects[target.name] != nil : row != nil
      guard isThere else {
        if let row { step.forgets.append(row) }
        continue
      }
      guard row != nil || notesOthers else { continue }
      let object = row ?? MirroredObject(path: sight.path, destination: target.name, content: nil)
      if object.state == .present { step.writes.append(object.with(.gone)) }
      gone.append(target.name)
    }
    if !gone.isEmpty { step.decision = .gone(sight.path, gone) }
    return step
  }

  // MARK: A file

  nonisolated(nonsending) private func present(
    _ item: PlanItem, _ fingerprint: Fingerprint, _ sight: Sight
  ) async throws(Failure) -> Step {
    guard case .upload(let planned) = item.decision else {
      // Left out by filter or exclude: what lies there is left alone.
      if case .skip = item.decision { return Step(decision: .item(item), forgets: sight.rows) }
      return Step(decision: .item(item))
    }
    taken += 1
    if let openFiles, try files.state(of: sight.path, in: tree.path)?.isOpenForWriting == true {
      openFiles.leave(tree.path.appending(sight.path))
      return Step()
    }
    var step = Step()
    step.mount = try mounts.take(sight.path, fingerprint)
    var approaches: [DestinationName: MirrorApproach] = [:]
    var candidates: [MirroredObject]?
    for target in targets where !lost.contains(target.name) {
      if isInPlace(sight, fingerprint, target) {
        if let row = sight.row(target.name), row.state != .present { step.writes.append(row.with(.present)) }
        continue
      }
      var approach = approach(sight, fingerprint, target)
      if approach == .send, target.mayCopy, !target.isListed, fingerprint.size > 0 {
        let found = try await candidates.orFetched { () throws(Failure) in
          try await ledger.mirrored(by: tree, inode: fingerprint.inode)
        }
        candidates = found
        if let source = try source(of: sight.path, fingerprint, target, in: found) {
          approach = .copy(target.key(of: source.object.path), source.receipt)
          step.writes.append(source.object.with(.gone))
        }
      }
      approaches[target.name] = approach
    }
    let lacking = targets.map(\.name).filter { approaches[$0] != nil }
    let plan = PlannedUpload(
      fingerprint: planned.fingerprint, key: planned.key,
      destinations: lacking.isEmpty ? planned.destinations : lacking, rule: planned.rule)
    step.decision =
      lacking.isEmpty
      ? .item(PlanItem(path: item.path, decision: .proven(plan)))
      : .upload(PlanItem(path: item.path, decision: .upload(plan)), approaches)
    return step
  }

  private func isInPlace(_ sight: Sight, _ fingerprint: Fingerprint, _ target: MirrorTarget) -> Bool {
    guard let content = sight.row(target.name)?.content, content.fingerprint.matchesAcrossProcesses(fingerprint) else {
      return false
    }
    guard target.isListed else { return true }
    guard let object = sight.objects[target.name] else { return false }
    return object.size == content.receipt.size && object.etag == content.receipt.etag && !object.etag.isEmpty
  }

  private func approach(_ sight: Sight, _ fingerprint: Fingerprint, _ target: MirrorTarget) -> MirrorApproach {
    let content = sight.row(target.name)?.content
    guard target.isListed else {
      guard let content else { return sight.row(target.name) == nil ? .send : .replace }
      return content.receipt.size == fingerprint.size ? .compare(KnownObject(content.receipt)) : .replace
    }
    guard let object = sight.objects[target.name] else { return .send }
    if object.size != fingerprint.size { return .replace }
    if let receipt = content?.receipt, receipt.size == object.size, receipt.etag == object.etag, !object.etag.isEmpty {
      return .compare(KnownObject(receipt))
    }
    return .compare(KnownObject(object))
  }

  /// The object of a file that had this inode, size and mtime under a name that is gone.
  private func source(
    of path: BytePath, _ fingerprint: Fingerprint, _ target: MirrorTarget, in candidates: [MirroredObject]
  ) throws(Failure) -> (object: MirroredObject, receipt: PutReceipt)? {
    for object in candidates where object.destination == target.name && object.path != path {
      guard let content = object.content, content.fingerprint.size == fingerprint.size,
        content.fingerprint.modified == fingerprint.modified, object.path.pathExtension == path.pathExtension,
        try files.fingerprint(object.path, in: tree.path) == nil, case .taken = try selection.verdict(on: object.path)
      else { continue }
      return (object, content.receipt)
    }
    return nil
  }
}

extension BytePath {
  /// What stands behind the last dot of the last component; empty without one. By it an object has its content type.
  fileprivate var pathExtension: ArraySlice<UInt8> {
    let name = name.bytes
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return [] }
    return name[(dot + 1)...]
  }
}

extension [MirroredObject]? {
  fileprivate nonisolated(nonsending) func orFetched(
    _ fetch: () async throws(Failure) -> [MirroredObject]
  ) async throws(Failure) -> [MirroredObject] {
    if let self { return self }
    return try await fetch()
  }
}

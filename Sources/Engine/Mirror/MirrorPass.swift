import Logging
import SlipwayModel

/// One attempt of a run whose tree is a mirror: what it may conclude, and what it deletes when all else has arrived.
/// Belongs to the one task that drives the run; the source, while it is read, to whoever has the feed's turn.
final class MirrorPass {
  private let session: RunSession
  private let rule: MirrorRule
  private let targets: [MirrorTarget]
  private let source: MirrorSource
  private var others: MirrorSource?
  /// The watched directory when the attempt began, and as the ledger has it.
  private let root: DirectoryIdentity?
  private let knownRoot: DirectoryIdentity?
  /// Where nothing was mounted any more when the attempt began.
  private let goneMounts: [BytePath]

  /// From here on the ledger no longer says that it knows all, until `noteComplete`: what a process that dies in between
  /// has sent or deleted, a listing tells the next one.
  static func begin(_ session: RunSession, _ rule: MirrorRule) async throws(Failure) -> MirrorPass {
    let run = session.run
    if !run.output.targetPrefix.isEmpty {
      throw Failure(
        .permanent, "mirror", run.tree.path.description, cause: "a pre hook has set a target_prefix",
        remedy: "a mirror's objects lie at one place: set target_prefix in the workflow")
    }
    let targets = try await MirrorTarget.all(
      of: run.tree, session.context, targetPrefix: run.fullTargetPrefix, ports: session.ports)
    for target in targets {
      let place = MirrorPlace(address: target.address, isComplete: false)
      session.note(.mirrorPlace(run.tree, target.name, place))
    }
    try await session.commit()
    let root = try MirrorRoot(of: run.tree, session.ports.files, session.ports.ledger).now()
    let goneMounts = try await MirrorMounts(of: run.tree, session.ports.files, session.ports.ledger).gone()
    return MirrorPass(
      session, rule, targets, root, known: try await session.ports.ledger.mirrorRoot(of: run.tree), goneMounts)
  }

  private init(
    _ session: RunSession, _ rule: MirrorRule, _ targets: [MirrorTarget], _ root: DirectoryIdentity?,
    known knownRoot: DirectoryIdentity?, _ goneMounts: [BytePath]
  ) {
    self.goneMounts = goneMounts
    self.root = root
    self.knownRoot = knownRoot
    self.session = session
    self.rule = rule
    self.targets = targets
    obstructed = rule.deletes ? ObstructedFiles() : nil
    let told = session.shared.mirrors.begin(session.run.tree)
    let isReplaced = !goneMounts.isEmpty || knownRoot.map { root?.isSame(as: $0) != true } ?? false
    // What a hook has written may not have been told yet; what has been replaced has to be seen as a whole before that is
    // taken for right.
    let scope = session.workflow.hooks.pre.isEmpty && !isReplaced ? told : .whole
    source = MirrorSource(
      MirrorReader(
        session.run.tree, scope, to: targets, session.context, planner: session.planner, ports: session.ports,
        leavingTo: session.shared.openFilesLeft),
      of: session.run.tree, in: session.ports.ledger)
  }

  /// For the feed, which reads it once.
  var plan: any PlanSource { source }

  /// What has been in the way of others; nil where nothing is deleted.
  let obstructed: ObstructedFiles?

  /// The plan of the files that had something in their way, once that is gone: by now the ledger knows what lies there.
  func planOfObstructed(_ scope: MirrorScope) -> any PlanSource {
    let reader = MirrorReader(
      tree, scope, to: targets.map(\.known), session.context, planner: session.planner, ports: session.ports,
      leavingTo: session.shared.openFilesLeft)
    let source = MirrorSource(reader, of: tree, in: ledger)
    others = source
    return source
  }

  /// What has arrived or failed by now is written down: the ledger knows again what lies at these destinations.
  func noteComplete(_ tally: AttemptTally) {
    guard source.isWhole, others?.isWhole ?? true else { return }
    for target in targets where !source.lost.contains(target.name) && !tally.isClosed(target.name) {
      let place = MirrorPlace(address: target.address, isComplete: true)
      session.note(.mirrorPlace(session.run.tree, target.name, place))
    }
    // Nothing is left to be deleted: another directory lacks nothing.
    guard tally.verdict == nil else { return }
    if let root, root != knownRoot { session.note(.mirrorRoot(tree, root)) }
    if rule.deletes, !goneMounts.isEmpty { session.note(.mirrorMountsGone(tree, goneMounts)) }
  }

  /// Nothing of it is owed any more.
  func end() { session.shared.mirrors.end(session.run.tree) }

  // MARK: Deleting

  /// Deletes what the tree does not have. Only after everything else has gone well.
  func delete(_ tally: AttemptTally) async throws(Failure) {
    var counts: [DestinationName: MirrorCounts] = [:]
    for target in targets {
      counts[target.name] = try await ledger.mirrorCounts(of: tree, at: target.name)
    }
    guard counts.values.contains(where: { $0.toDelete > 0 }) else { return }
    do throws(Failure) {
      try checkIndex()
      guard rule.deletes else { return }
      try await checkRoot()
      try await MirrorMounts(of: tree, files, ledger).check(at: targets.map(\.name))
      for target in targets { try rule.check(counts[target.name] ?? MirrorCounts(), at: target.name, tree) }
    } catch {
      if error.kind == .fatal { throw error }
      session.logger.error("\(error.message)")
      return tally.note(error)
    }
    for target in targets where counts[target.name]?.toDelete ?? 0 > 0 {
      do throws(Failure) {
        try await delete(at: target, tally)
        try await target.store.settle([session.run.id])
      } catch {
        if error.kind == .fatal { throw error }
        session.logger.error("\(error.message)", metadata: ["destination": "\(target.name)"])
        tally.failed(error, at: target.name)
      }
    }
  }

  private var tree: TreeID { session.run.tree }
  private var ledger: any Ledger { session.ports.ledger }
  private var files: any TreeFiles { session.ports.files }

  /// An index of nothing where there was something: the watched directory is not what it was, an unmounted one mostly.
  /// It is looked at now: what the scan has found may have been the last of it.
  private func checkIndex() throws(Failure) {
    let walk = try files.with(session.workflow.symlinks).walk(tree.path)
    while let entry = walk.next() {
      if case .upload = session.planner.decide(entry).decision { return }
    }
    throw Failure.emptyMirror(tree)
  }

  /// Neither what the plan was made of nor what lies there now may be another directory.
  private func checkRoot() async throws(Failure) {
    let place = MirrorRoot(of: tree, files, ledger)
    guard let now = try place.now(), let root, now.isSame(as: root) else { throw place.isAnother }
    try await place.check(now)
  }

  private func delete(at target: MirrorTarget, _ tally: AttemptTally) async throws(Failure) {
    var (last, deleted): (BytePath?, Int) = (nil, 0)
    while !Task.isCancelled {
      let page = try await ledger.mirroredToDelete(by: tree, at: target.name, after: last, limit: Self.pageSize)
      guard let end = page.last?.path else { break }
      last = end
      deleted += try await delete(page, at: target, tally)
    }
    session.logger.info("deleted", metadata: ["destination": "\(target.name)", "objects": "\(deleted)"])
  }

  /// What one DeleteObjects takes.
  private static let pageSize = 1000

  private func delete(
    _ page: [MirroredObject], at target: MirrorTarget, _ tally: AttemptTally
  ) async throws(Failure) -> Int {
    var (gone, returned): ([MirroredObject], [MirroredObject]) = ([], [])
    for object in page {
      let isGone = try files.fingerprint(object.path, in: tree.path) == nil
      if isGone { gone.append(object) } else { returned.append(object) }
    }
    // What lies at the keys from here on is not known until the answer is here.
    let unknown = gone.map { MirroredObject(path: $0.path, destination: target.name, content: nil, state: .gone) }
    try await ledger.commit([.mirrored(tree, unknown + returned.map { $0.with(.present) })])
    for object in returned { session.shared.mirrors.tell(tree, .parts([object.path])) }
    if gone.isEmpty { return 0 }
    let left = try await target.store.delete(gone.map { target.key(of: $0.path) })
    for object in left {
      session.logger.error("\(object.failure.message)", metadata: ["destination": "\(target.name)"])
      tally.failed(object.failure, at: target.name)
    }
    let kept = Set(left.map(\.key))
    let deleted = gone.map(\.path).filter { !kept.contains(target.key(of: $0)) }
    for path in deleted { session.logger.debug("deleted \(path)", metadata: ["destination": "\(target.name)"]) }
    try await ledger.commit([.unmirrored(tree, target.name, deleted)])
    return deleted.count
  }
}

extension MirrorRule {
  /// Throws where more would be deleted than the limit allows.
  func check(_ counts: MirrorCounts, at destination: DestinationName, _ tree: TreeID) throws(Failure) {
    guard let deleteLimit, counts.gone > deleteLimit.allowance(of: counts.all) else { return }
    throw Failure(
      .permanent, "mirror", tree.path.description,
      cause: "\(counts.gone) of \(counts.all) objects at destination '\(destination)' would be deleted, "
        + "and max_delete is \(deleteLimit): nothing is deleted",
      remedy: "'slipway run --dry-run' shows them; bring the files back, or raise max_delete")
  }
}

extension Failure {
  /// An empty tree where there was something.
  static func emptyMirror(_ tree: TreeID) -> Failure {
    Failure(
      .permanent, "mirror", tree.path.description,
      cause: "no file lies there any more, and objects do: nothing is deleted",
      remedy: "mount what has been unmounted, or delete the objects by hand")
  }
}

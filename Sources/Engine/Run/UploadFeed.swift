import Logging
import SlipwayModel

/// Hands out what a plan says is to be sent, one sending at a time, to many workers; keeps what else it says.
///
/// Sendable by hand: all that changes belongs to whoever has the turn. An actor would take each worker off its thread
/// and back for each file.
final class UploadFeed: @unchecked Sendable {
  /// A destination of the run, the store that stands for it, and the run's way to it.
  final class Target: Sendable {
    let name: DestinationName
    /// In front of every key.
    let prefix: [UInt8]
    let store: any ObjectStore
    let lane: TransferLane

    init(_ destination: Destination, _ store: any ObjectStore, _ lane: TransferLane) {
      name = destination.name
      prefix = destination.prefix
      self.store = store
      self.lane = lane
    }
  }

  /// One file to one destination.
  struct Sending: Sendable {
    let path: BytePath
    let planned: PlannedUpload
    /// With the destination's prefix.
    let key: ObjectKey
    let target: Target
    var approach = MirrorApproach.send
  }

  /// What the plan told beside the uploads.
  struct Findings: Sendable {
    var inner: [(tree: TreeID, marker: MarkerIdentity)] = []
    var skipped = 0
    /// Of these by filter or exclude.
    var leftOut = 0
    /// Of what the filter takes, as it was planned.
    var digest = TreeDigest()
    /// Whether the tree is a file, which needs no manifest to be whole.
    var isOneFile = false
    /// Whether the plan has been read to its end.
    var isWhole = false
    /// Why the plan could not be read to its end.
    var failure: Failure?
  }

  private let makeReader: () throws(Failure) -> any PlanSource
  private var reader: (any PlanSource)?
  private let run: RunID
  private let tree: TreeID
  private let ledger: any Ledger
  private let targets: [Target]
  private let tally: AttemptTally
  private let meter: TransferMeter
  private let logger: Logger
  private let turn = Turns()
  /// Of one file, for several destinations.
  private var pending: [Sending] = []
  /// Files of an earlier attempt that are no longer there, and that the ledger has not forgotten yet.
  private var vanished: [BytePath] = []
  private var hasFailed = false
  /// To be read once every worker has ended.
  private(set) var findings = Findings()

  /// So many vanished files are forgotten at once.
  static let vanishedMax = 1000

  init(
    of run: Run, in ledger: any Ledger, to targets: [Target], tally: AttemptTally, meter: TransferMeter,
    logger: Logger, makeReader: @escaping () throws(Failure) -> any PlanSource
  ) {
    self.makeReader = makeReader
    self.run = run.id
    self.tree = run.tree
    self.ledger = ledger
    self.targets = targets
    self.tally = tally
    self.meter = meter
    self.logger = logger
  }

  /// The next sending whose destination is neither given up nor out; nil at the end of the plan.
  nonisolated(nonsending) func next() async -> Sending? {
    // Others may come while a page of the ledger is awaited: they wait for their turn.
    await turn.acquire()
    defer { turn.release() }
    do throws(Failure) {
      return try await nextInTurn()
    } catch {
      findings.failure = error
      hasFailed = true
      return nil
    }
  }

  nonisolated(nonsending) private func nextInTurn() async throws(Failure) -> Sending? {
    while !hasFailed, !Task.isCancelled {
      while let sending = pending.popLast() {
        if !tally.leavesOut(sending.target.name) { return sending }
      }
      guard let step = try await nextStep() else {
        try await forgetVanished()
        findings.isWhole = true
        return nil
      }
      take(step)
      if vanished.count >= Self.vanishedMax { try await forgetVanished() }
    }
    return nil
  }

  nonisolated(nonsending) private func nextStep() async throws(Failure) -> PlanReader.Step? {
    if let reader { return try await reader.next() }
    let made = try makeReader()
    reader = made
    return try await made.next()
  }

  /// What a later attempt does not find any more is no part of the run.
  nonisolated(nonsending) private func forgetVanished() async throws(Failure) {
    let paths = vanished
    vanished = []
    if !paths.isEmpty { try await ledger.commit(paths.map { .forgetUploads(run, path: $0) }) }
  }

  private func take(_ step: PlanReader.Step) {
    switch step {
    case .vanished(let path): vanished.append(path)
    case .lost(let destination, let failure):
      logger.error("\(failure.message)", metadata: ["destination": "\(destination)"])
      tally.failed(failure, at: destination)
    case .mirror(let item, let approaches):
      if case .upload(let planned) = item.decision { queue(item.path, planned, approaches) }
    case .item(let item, _):
      if item.path == .here { findings.isOneFile = true }
      findings.digest.add(item)
      switch item.decision {
      case .upload(let planned): queue(item.path, planned)
      case .proven: break
      case .skip(let reason): note(skipped: item.path, reason)
      case .answer(let inner, let marker):
        findings.inner.append((TreeID(workflow: tree.workflow, watch: tree.watch, name: inner), marker))
      case .fail(let failure):
        logger.error("\(failure.message)")
        meter.failed()
        tally.failed(failure, at: nil)
      }
    }
  }

  private func queue(
    _ path: BytePath, _ planned: PlannedUpload, _ approaches: [DestinationName: MirrorApproach] = [:]
  ) {
    for target in targets where planned.destinations.contains(target.name) {
      pending.append(
        Sending(
          path: path, planned: planned, key: joinedKey(target.prefix, planned.key.bytes), target: target,
          approach: approaches[target.name] ?? .send))
    }
  }

  private func note(skipped path: BytePath, _ reason: SkipReason) {
    findings.skipped += 1
    if [.filter, .exclude].contains(reason.name) { findings.leftOut += 1 }
    switch reason {
    case .link, .special: logger.warning("skipped \(path): \(reason.explanation)")
    case .filter, .exclude, .marker, .sidecar, .settings: logger.debug("skipped \(path): \(reason.explanation)")
    }
  }
}

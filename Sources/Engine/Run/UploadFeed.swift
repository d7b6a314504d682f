import Logging
import SlipwayModel

/// Hands out what a plan says is to be sent, one sending at a time, to many workers; keeps what else it says.
actor UploadFeed {
  /// One file to one destination.
  struct Sending: Sendable {
    let path: BytePath
    let planned: PlannedUpload
    let destination: Destination
    let store: any ObjectStore
    let lane: TransferLane
  }

  /// One destination of the run, and the run's way to it.
  struct Target: Sendable {
    let destination: Destination
    let store: any ObjectStore
    let lane: TransferLane
  }

  /// What the plan told beside the uploads.
  struct Findings: Sendable {
    var inner: [(tree: TreeID, marker: MarkerIdentity)] = []
    var skipped = 0
    /// Why the plan could not be read to its end.
    var failure: Failure?
  }

  private let makeReader: @Sendable () throws(Failure) -> PlanReader
  private var reader: PlanReader?
  private let run: RunID
  private let tree: TreeID
  private let ledger: any Ledger
  private let targets: [DestinationName: Target]
  private let tally: AttemptTally
  private let meter: TransferMeter
  private let logger: Logger
  private let turn = Turns()
  /// Of one file, for several destinations.
  private var pending: [Sending] = []
  /// Files of an earlier attempt that are no longer there, and that the ledger has not forgotten yet.
  private var vanished: [BytePath] = []
  private(set) var findings = Findings()

  /// So many vanished files are forgotten at once.
  static let vanishedMax = 1000

  init(
    of run: Run, in ledger: any Ledger, to targets: [DestinationName: Target],
    tally: AttemptTally,
    meter: TransferMeter, logger: Logger, makeReader: @escaping @Sendable () throws(Failure) -> PlanReader
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

  /// The next sending whose destination has not been given up; nil at the end of the plan.
  func next() async -> Sending? {
    while findings.failure == nil, !Task.isCancelled {
      while let sending = pending.popLast() {
        if !tally.isClosed(sending.destination.name) { return sending }
      }
      do throws(Failure) {
        guard let step = try await nextStep() else {
          try await forgetVanished()
          return nil
        }
        take(step)
        if vanished.count >= Self.vanishedMax { try await forgetVanished() }
      } catch {
        findings.failure = error
      }
    }
    return nil
  }

  /// Others may come while a page of the ledger is awaited: they wait for their turn.
  private func nextStep() async throws(Failure) -> PlanReader.Step? {
    await turn.acquire()
    defer { turn.release() }
    if reader == nil { reader = try makeReader() }
    // Out of the actor's state while it is used: it is one at a time, by the turn.
    guard var current = reader.take() else { return nil }
    defer { reader = current }
    return try await current.next()
  }

  /// What a later attempt does not find any more is no part of the run.
  private func forgetVanished() async throws(Failure) {
    let paths = vanished
    vanished = []
    if !paths.isEmpty { try await ledger.commit(paths.map { .forgetUploads(run, path: $0) }) }
  }

  private func take(_ step: PlanReader.Step) {
    switch step {
    case .vanished(let path): vanished.append(path)
    case .item(let item, _):
      switch item.decision {
      case .upload(let planned): pending += sendings(of: item.path, planned)
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

  private func sendings(of path: BytePath, _ planned: PlannedUpload) -> [Sending] {
    planned.destinations.compactMap { name in
      targets[name].map {
        Sending(path: path, planned: planned, destination: $0.destination, store: $0.store, lane: $0.lane)
      }
    }
  }

  private func note(skipped path: BytePath, _ reason: SkipReason) {
    findings.skipped += 1
    switch reason {
    case .link, .special: logger.warning("skipped \(path): \(reason.explanation)")
    case .filter, .exclude, .marker: logger.debug("skipped \(path): \(reason.explanation)")
    }
  }
}

import SlipwayModel

/// Which destinations are out, and who tries them. Pure.
///
/// A destination that refuses or cannot be reached is out for the whole workflow: one run at a time, the prober, tries
/// it at the workflow's backoff, and the others do without it until somebody has delivered something there. No attempt
/// counts for it. A process that starts knows of no outage; the first failure tells.
struct Outages {
  /// A destination as one workflow sees it: a bucket's policy may refuse the keys of one alone.
  struct Place: Hashable, Sendable {
    let workflow: WorkflowName
    let destination: DestinationName

    init(_ workflow: WorkflowName, _ destination: DestinationName) {
      (self.workflow, self.destination) = (workflow, destination)
    }

    init(of run: Run, _ destination: DestinationName) { self.init(run.tree.workflow, destination) }
  }

  struct Outage: Sendable {
    /// The latest failure.
    fileprivate(set) var why: String
    let since: Timestamp
    /// The one that began it, and the probes since.
    fileprivate(set) var failures = 1
    /// When a run may try, as long as no other does. While one does: until when it has the others wait for its outcome,
    /// which may be that of a very large file.
    fileprivate(set) var nextProbe: Timestamp
    fileprivate(set) var prober: RunID?
    /// The number of the latest failure at each run's hands.
    fileprivate var failed: [RunID: Int] = [:]
    fileprivate(set) var waiting: Set<RunID> = []

    fileprivate func isFree(at now: Timestamp) -> Bool { nextProbe <= now }

    /// Who has not tried, then who has tried longest ago; the older of two.
    fileprivate var nextProber: RunID? {
      waiting.min { one, other in (failed[one] ?? 0, one) < (failed[other] ?? 0, other) }
    }
  }

  /// What a failure means.
  enum Verdict: Equatable, Sendable {
    /// It is the run's own: its attempt fails by it.
    case isOwn
    /// The destination is out from now on.
    case begins
    /// The destination is out.
    case belongs
  }

  private struct Record {
    /// Failures that may go away by themselves, since the last delivery of any run.
    var failuresInARow = 0
    var outage: Outage?
    /// Runs that the destination has failed, though others have delivered there since: what fails them is their own.
    var odd: Set<RunID> = []

    var isEmpty: Bool { failuresInARow == 0 && outage == nil && odd.isEmpty }
  }

  private let retry: [WorkflowName: RetryPolicy]
  private var records: [Place: Record] = [:]
  private var freed: [RunID] = []

  init(_ workflows: [Workflow]) {
    retry = Dictionary(uniqueKeysWithValues: workflows.map { ($0.name, $0.retry) })
  }

  subscript(place: Place) -> Outage? { records[place]?.outage }

  /// For people; in order of workflow, then destination.
  var known: [KnownOutage] {
    records.compactMap { place, record in
      record.outage.map {
        KnownOutage(workflow: place.workflow, destination: place.destination, since: $0.since, why: $0.why)
      }
    }.sorted { ($0.workflow, $0.destination) < ($1.workflow, $1.destination) }
  }

  // MARK: What a run does

  /// A run comes to its upload: it becomes the prober of a place whose time has come.
  mutating func enter(_ run: RunID, _ place: Place, at now: Timestamp) {
    guard let outage = records[place]?.outage, outage.isFree(at: now) else { return }
    beginProbe(run, place, at: now)
  }

  /// Why a run may not send to a place; nil if it may.
  func reasonToWait(_ run: RunID, for place: Place) -> String? {
    guard !records.isEmpty, let outage = records[place]?.outage, outage.prober != run else { return nil }
    return "destination '\(place.destination)' is out since \(CalendarDate(outage.since).extendedFormat): \(outage.why)"
  }

  /// A run has delivered something; returns the outage that has ended by it.
  mutating func delivered(to place: Place, by run: RunID) -> Outage? {
    guard !records.isEmpty, var record = records[place] else { return nil }
    let ended = record.outage
    record.failuresInARow = 0
    record.outage = nil
    if let ended {
      record.odd.formUnion(ended.failed.keys)
      for run in ended.waiting.sorted() { free(run) }
    }
    record.odd.remove(run)
    records[place] = record.isEmpty ? nil : record
    return ended
  }

  /// A run has failed at a place. `jitter` lies in 0...1.
  mutating func failed(
    _ failure: Failure, at place: Place, of run: RunID, now: Timestamp, jitter: Double
  ) -> Verdict {
    guard let atLeast = Self.evidence(failure) else { return .isOwn }
    var record = records[place] ?? Record()
    defer { records[place] = record.isEmpty ? nil : record }
    if var outage = record.outage {
      if outage.prober == run { endProbe(&outage, failure, place, now, jitter, atLeast) }
      outage.failed[run] = outage.failures
      record.outage = outage
      return .belongs
    }
    if record.odd.contains(run) { return .isOwn }
    record.failuresInARow += 1
    guard failure.kind == .blocked || failure.isUnreachable || record.failuresInARow >= AttemptTally.failuresInARow
    else { return .isOwn }
    record.outage = Outage(
      why: failure.message, since: now, nextProbe: now + wait(1, place, jitter, atLeast), failed: [run: 1])
    return .begins
  }

  /// The least wait that the failure asks for; nil if it says nothing of the destination.
  private static func evidence(_ failure: Failure) -> Duration? {
    switch failure.kind {
    case .blocked: .zero
    case .transient(let retryAfter): failure.isOfSource ? nil : retryAfter ?? .zero
    case .permanent, .fatal: nil
    }
  }

  private mutating func beginProbe(_ run: RunID, _ place: Place, at now: Timestamp) {
    let until = now + policy(place).backoff.upperBound
    records[place]?.outage?.prober = run
    records[place]?.outage?.nextProbe = until
  }

  private func endProbe(
    _ outage: inout Outage, _ failure: Failure, _ place: Place, _ now: Timestamp, _ jitter: Double, _ atLeast: Duration
  ) {
    outage.failures += 1
    outage.why = failure.message
    outage.prober = nil
    outage.nextProbe = now + wait(outage.failures, place, jitter, atLeast)
  }

  private func wait(_ failures: Int, _ place: Place, _ jitter: Double, _ atLeast: Duration) -> Duration {
    policy(place).wait(afterFailed: failures, jitter: jitter, atLeast: atLeast)
  }

  private func policy(_ place: Place) -> RetryPolicy { retry[place.workflow] ?? RetryPolicy() }

  // MARK: Those that wait

  /// A run has ended its attempt because these places are out. False if none of them is any more: it goes on at once.
  mutating func wait(_ run: RunID, for places: [Place]) -> Bool {
    var waits = false
    for place in places where records[place]?.outage != nil {
      records[place]?.outage?.waiting.insert(run)
      waits = true
    }
    return waits
  }

  /// When the next of those that wait is to try; nil if none waits.
  var nextProbe: Timestamp? {
    records.values.compactMap { record in record.outage.flatMap { $0.waiting.isEmpty ? nil : $0.nextProbe } }.min()
  }

  /// Those that try now, one a place; they wait no longer.
  mutating func takeProbers(at now: Timestamp) -> [RunID] {
    var probers: [RunID] = []
    for place in Array(records.keys) {
      guard let outage = records[place]?.outage, outage.isFree(at: now), let run = outage.nextProber else { continue }
      beginProbe(run, place, at: now)
      stopWaiting(run)
      probers.append(run)
    }
    return probers
  }

  /// Those whose wait was ended by a delivery.
  mutating func takeFreed() -> [RunID] {
    defer { freed = [] }
    return freed
  }

  private mutating func free(_ run: RunID) {
    stopWaiting(run)
    freed.append(run)
  }

  private mutating func stopWaiting(_ run: RunID) {
    for place in Array(records.keys) { records[place]?.outage?.waiting.remove(run) }
  }

  // MARK: The end of an attempt

  /// A run's attempt has ended, however: a prober that has not tried gives its role back.
  mutating func left(_ run: RunID, at now: Timestamp) {
    for place in Array(records.keys) where records[place]?.outage?.prober == run {
      records[place]?.outage?.prober = nil
      records[place]?.outage?.nextProbe = now
    }
  }

  /// A run is over: nothing is remembered of it.
  mutating func forget(_ run: RunID) {
    for place in Array(records.keys) {
      records[place]?.odd.remove(run)
      records[place]?.outage?.failed[run] = nil
      records[place]?.outage?.waiting.remove(run)
      if records[place]?.isEmpty == true { records[place] = nil }
    }
  }
}

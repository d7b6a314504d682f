import Logging
import SlipwayModel
import Synchronization

/// The outages that all runs of a service know of; tells each one's begin and end once. Any task.
final class OutageBoard: Sendable {
  typealias Place = Outages.Place

  /// Something may be due: a probe, or the runs that an outage has let go. Read by one task, the orchestrator's.
  let changes: AsyncStream<Void>
  private let changed: AsyncStream<Void>.Continuation
  private let outages: Mutex<Outages>
  private let clock: any Clock
  private let logger: Logger

  init(_ workflows: [Workflow], clock: any Clock, logger: Logger) {
    outages = Mutex(Outages(workflows))
    // However much has changed, one look tells all of it.
    (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.clock = clock
    self.logger = logger
  }

  // MARK: For a run's attempt

  func enter(_ run: RunID, _ places: [Place]) {
    let now = clock.now()
    outages.withLock { outages in
      for place in places { outages.enter(run, place, at: now) }
    }
  }

  func reasonToWait(_ run: RunID, for place: Place) -> String? {
    outages.withLock { $0.reasonToWait(run, for: place) }
  }

  func delivered(to place: Place, by run: RunID) {
    guard let ended = outages.withLock({ $0.delivered(to: place, by: run) }) else { return }
    let seconds = (clock.now() - ended.since).components.seconds
    logger.notice(
      "destination '\(place.destination)' takes files again, after \(seconds) s; runs that waited: \(ended.waiting.count)",
      metadata: ["workflow": "\(place.workflow)"])
    changed.yield()
  }

  /// Whether the failure belongs to an outage, and not to the run.
  func failed(_ failure: Failure, at place: Place, of run: RunID) -> Bool {
    let (now, jitter) = (clock.now(), Double.random(in: 0...1))
    let verdict = outages.withLock { $0.failed(failure, at: place, of: run, now: now, jitter: jitter) }
    if verdict == .begins {
      logger.error(
        "destination '\(place.destination)' is out, and one run at a time tries it: \(failure.message)",
        metadata: ["workflow": "\(place.workflow)"])
    }
    if verdict != .isOwn { changed.yield() }
    return verdict != .isOwn
  }

  /// When the first of these is tried again; nil if none is out.
  func nextProbe(of places: [Place]) -> Timestamp? {
    outages.withLock { outages in places.compactMap { outages[$0]?.nextProbe }.min() }
  }

  var known: [KnownOutage] { outages.withLock { $0.known } }

  // MARK: For the orchestrator

  /// False if none of the places is out any more.
  func wait(_ run: RunID, for places: [Place]) -> Bool {
    outages.withLock { $0.wait(run, for: places) }
  }

  var nextProbe: Timestamp? { outages.withLock { $0.nextProbe } }

  /// The runs that go on now: those whose outage has ended, and those that try whether another one has.
  func takeDue(at now: Timestamp) -> [RunID] {
    outages.withLock { $0.takeFreed() + $0.takeProbers(at: now) }
  }

  /// A run's attempt has ended, however; `isOver`: it was the last.
  func left(_ run: RunID, isOver: Bool) {
    let now = clock.now()
    outages.withLock { outages in
      outages.left(run, at: now)
      if isOver { outages.forget(run) }
    }
  }
}

/// What one run's attempt sees of the outages.
struct OutageGate: Sendable {
  private let board: OutageBoard
  private let run: RunID
  private let workflow: WorkflowName

  init(_ board: OutageBoard, for run: Run) {
    self.board = board
    self.run = run.id
    workflow = run.tree.workflow
  }

  /// Once, before the first file.
  func enter(_ destinations: [DestinationName]) { board.enter(run, destinations.map(place)) }

  /// Why nothing may be sent there; nil if something may.
  func reasonToWait(for destination: DestinationName) -> String? {
    board.reasonToWait(run, for: place(destination))
  }

  func delivered(to destination: DestinationName) { board.delivered(to: place(destination), by: run) }

  func failed(_ failure: Failure, at destination: DestinationName) -> Bool {
    board.failed(failure, at: place(destination), of: run)
  }

  private func place(_ destination: DestinationName) -> Outages.Place {
    Outages.Place(workflow, destination)
  }
}

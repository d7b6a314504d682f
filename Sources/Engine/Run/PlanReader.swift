import SlipwayModel

/// A plan as it comes. Not for two tasks at once.
protocol PlanSource: AnyObject {
  /// The next step, nil at the end.
  nonisolated(nonsending) func next() async throws(Failure) -> PlanReader.Step?
}

/// The plan of a run as it comes: a walk of its tree, merged with what the ledger already knows of the run. Not for two
/// tasks at once.
final class PlanReader: PlanSource {
  enum Step: Sendable {
    case item(PlanItem, rows: [UploadRecord])
    /// The ledger has rows of a path at which there is no file any more.
    case vanished(BytePath)
    /// Of a mirror: an upload, and how each destination comes by the file.
    case mirror(PlanItem, [DestinationName: MirrorApproach])
    /// Of a mirror: what lies at this destination cannot be told.
    case lost(DestinationName, Failure)
  }

  private let walk: any TreeWalk
  private let planner: Planner
  private var rows: UploadRowPages
  private var held: WalkEntry?
  /// The directory that could not be read last: nothing is concluded of what lies in it.
  private var unreadable: BytePath?

  init(walk: any TreeWalk, planner: Planner, rows: UploadRowPages) {
    self.walk = walk
    self.planner = planner
    self.rows = rows
  }

  /// The next step, nil at the end.
  nonisolated(nonsending) func next() async throws(Failure) -> Step? {
    let entry = nextEntry()
    while let path = try await rows.takeRows(before: entry?.path)?.first?.path {
      if let unreadable, path.isWithin(unreadable) { continue }
      held = entry
      return .vanished(path)
    }
    guard let entry else { return nil }
    if case .unreadable = entry.kind { unreadable = entry.path }
    let known = try await rows.takeRows(of: entry.path)
    return .item(planner.decide(entry, rows: known), rows: known)
  }

  private func nextEntry() -> WalkEntry? {
    guard let entry = held else { return walk.next() }
    held = nil
    return entry
  }
}

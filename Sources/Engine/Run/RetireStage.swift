import Logging
import SlipwayModel

/// What the workflow says of the source once a run is over: keep, delete or move. Proof, then delete.
struct RetireStage {
  let session: RunSession
  /// Whether an earlier try, perhaps of a process that died in it, has been here.
  let isContinued: Bool

  func perform() async throws(Failure) -> StageEnd {
    let disposal = self.disposal
    if disposal == .keep { return .event(.retired) }
    try await session.commit()
    do throws(Failure) {
      if let queue = QueueDisposal(session) {
        return .event(try await queue.perform(disposal, isContinued: isContinued))
      }
      guard let markerPath else { return .event(try await disposeUnmarked(disposal)) }
      let marker = try session.ports.files.marker(at: markerPath)?.identity
      if let marker, marker != session.run.marker {
        session.logger.notice("the tree has been marked again: 'after' is left out")
        return .event(.retired)
      }
      return .event(try await dispose(disposal, isMarked: marker != nil))
    } catch {
      if error.kind == .fatal { throw error }
      return .event(.retireFailed(error.message, isPermanent: error.kind == .permanent))
    }
  }

  private var disposal: After.Disposal {
    session.run.outcome == .failure ? session.workflow.after.failure : session.workflow.after.success
  }

  private var tree: TreeID { session.run.tree }

  /// nil for a tree without a marker.
  private var markerPath: BytePath? { session.workflow.intake.markerName.map(tree.path.appending) }

  /// What has changed since the upload, or is about to, is the next run's: this one leaves out its `after`.
  private func disposeUnmarked(_ disposal: After.Disposal) async throws(Failure) -> RunEvent {
    if session.run.outcome == .success {
      if let change = try await undelivered() { return leftOut(change) }
      // What is written to a file after it is gone would be lost.
      if let writer = try OpenWriter.first(in: tree.path, session.ports.files) {
        // Its closing makes it ready, even if nothing was written.
        session.noteAnswer(nil)
        session.shared.openFiles.lookAgain(at: writer.path)
        return leftOut("\(writer.path) is being written again")
      }
    }
    let event = try await carryOut(disposal)
    if case .foundChanges(let change) = event { return leftOut(change) }
    return event
  }

  private func leftOut(_ why: String) -> RunEvent {
    session.logger.notice("\(why): 'after' is left out")
    return .retired
  }

  private func dispose(_ disposal: After.Disposal, isMarked: Bool) async throws(Failure) -> RunEvent {
    if session.run.outcome == .success, let change = try await undelivered() {
      // The marker goes with the tree, last of all: without it this is the next tree, which is not ready yet.
      if !isContinued || isMarked { return .foundChanges(change) }
      session.logger.notice("\(change), and its marker is gone: 'after' is left out")
      return .retired
    }
    return try await carryOut(disposal)
  }

  private func carryOut(_ disposal: After.Disposal) async throws(Failure) -> RunEvent {
    switch disposal {
    // Only files of a queue are resubmitted.
    case .keep, .resubmit: return .retired
    case .move(let directory): return try move(into: directory)
    case .delete: return try await delete()
    }
  }

  /// A file that the filter takes and that is not what has been delivered, as a message; nil if there is none.
  private func undelivered() async throws(Failure) -> String? {
    guard let reader = try planReader() else { return nil }
    while let step = try await reader.next() {
      guard case .item(let item, let rows) = step else { continue }
      switch item.decision {
      case .upload:
        return "\(tree.path.appending(item.path)) \(rows.isEmpty ? "is new" : "has changed") since the upload"
      case .fail(let failure): throw failure
      case .proven, .skip, .answer: continue
      }
    }
    return nil
  }

  /// nil where the tree is gone: an earlier try got that far.
  private func planReader() throws(Failure) -> PlanReader? {
    do throws(Failure) {
      return PlanReader(
        walk: try session.ports.files.with(session.workflow.symlinks).walk(tree.path), planner: session.planner,
        rows: UploadRowPages(of: session.run.id, in: session.ports.ledger, isEmpty: false))
    } catch {
      if error.code == "ENOENT" { return nil }
      throw error
    }
  }

  private func move(into directory: BytePath) throws(Failure) -> RunEvent {
    if tree.name == .here {
      throw Failure(
        .permanent, "move", tree.path.description, cause: "it is the watched directory itself",
        remedy: "use 'keep' or 'delete', or put the marker into a directory below it")
    }
    do throws(Failure) {
      let place = try session.ports.files.move(tree.path, into: directory)
      session.logger.info("moved to \(place)")
    } catch {
      // Gone since the scan: an earlier try had moved it and died before the commit.
      if error.code != "ENOENT" { throw error }
    }
    return .retired
  }

  private func delete() async throws(Failure) -> RunEvent {
    let files = session.ports.files
    var kept = 0
    if let reader = try planReader() {
      while let step = try await reader.next() {
        guard case .item(let item, _) = step else { continue }
        switch item.decision {
        case .proven(let planned), .upload(let planned):
          guard session.run.outcome == .failure || item.isProven else { continue }
          guard try files.remove(item.path, in: tree.path, ifStill: planned.fingerprint) else {
            return .foundChanges("\(tree.path.appending(item.path)) has changed since the upload")
          }
        case .answer(_, let marker):
          _ = try files.removeMarker(at: tree.path.appending(item.path), ifStill: marker)
        case .skip(.marker): continue
        case .skip, .fail: kept += 1
        }
      }
    }
    if let markerPath, let marker = session.run.marker {
      _ = try files.removeMarker(at: markerPath, ifStill: marker)
    }
    // Of a tree that is one file the directory is another's.
    if session.workflow.intake != .closed {
      try files.removeEmptyDirectories(in: tree.path, keepingRoot: tree.name == .here)
    }
    if kept > 0 { session.logger.info("\(kept) files that were not uploaded stay in \(tree.path)") }
    return .retired
  }
}

extension PlanItem {
  fileprivate var isProven: Bool {
    if case .proven = decision { true } else { false }
  }
}

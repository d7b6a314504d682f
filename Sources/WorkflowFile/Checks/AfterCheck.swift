import SlipwayModel

extension ConfigurationChecks {
  /// A tree is moved by rename(2), and not to where it would be found again.
  func checkMoves(_ workflow: WorkflowDraft, _ watched: WatchedDirectories) {
    for move in workflow.moves {
      if let directory = watched.containing(move.value) {
        diagnostics.error(
          "'\(move.value)' lies in the watched directory '\(directory.path)'; move to a directory outside",
          at: move.mark)
        continue
      }
      guard let device = LocalInspection.device(of: move.value) else { continue }
      for directory in workflow.watch {
        guard case .success(let facts) = LocalInspection.facts(directory.value), facts.device != device else {
          continue
        }
        diagnostics.error(
          "'\(move.value)' is on another file system than the watched directory '\(directory.value)'; "
            + "a tree is moved by renaming it", at: move.mark)
      }
    }
  }

  /// What a run sends off is only disposed of where every destination proves that it has it.
  func checkProof(_ workflow: WorkflowDraft) {
    guard let after = workflow.queue?.mark ?? workflow.after, workflow.workflow.after.success != .keep else { return }
    let key = workflow.queue == nil ? "'after' may only keep the files" : "a queue cannot dispose of the files"
    for reference in workflow.destinations {
      guard let destination = draft.destinations[reference.value]?.destination, !destination.provesContent
      else { continue }
      diagnostics.error(
        "the destination \(quoted(reference.value.text)) proves nothing (\(Self.whyNot(destination))), "
          + "so \(key)", at: after)
    }
  }

  private static func whyNot(_ destination: Destination) -> String {
    if case .plugin = destination.kind { return "a plugin without proves: true" }
    return "checksum: none without verify_etag: true"
  }

  /// A file is removed over no link, and what a link leads to may be another tree's.
  func checkLinks(_ workflow: WorkflowDraft) {
    let after = workflow.workflow.after
    guard let mark = workflow.symlinks, workflow.workflow.symlinks == .follow else { return }
    if workflow.workflow.intake.markerName == nil {
      diagnostics.error(
        "no event tells when what a link leads to changes: 'symlinks: follow' needs 'ready: { marker: … }'", at: mark)
    }
    guard after.success == .delete || after.failure == .delete else { return }
    diagnostics.error(
      "what links lead to is never deleted: with 'symlinks: follow' 'after' may keep or move the tree", at: mark)
  }
}

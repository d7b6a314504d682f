import SlipwayModel

extension ConfigurationChecks {
  /// What each run writes into the state directory would be uploaded, too, and would start the next run.
  func checkStateDirectory(_ watched: WatchedDirectories) {
    guard let path = draft.stateDirectory?.value ?? defaultStateDirectory else { return }
    let resolved = LocalInspection.resolved(path)
    guard let directory = watched.all.first(where: { $0.reaches(into: resolved) }) else { return }
    if let named = draft.stateDirectory {
      diagnostics.error(
        "the state directory '\(path)' lies in the watched directory '\(directory.path)'; name a directory outside",
        at: named.mark)
    } else {
      diagnostics.error(
        "the state directory '\(path)', which is the default one, lies in the watched directory '\(directory.path)'; "
          + "name one outside with 'state_dir' in 'settings'", at: directory.mark)
    }
  }

  /// A marker alone takes a directory for a tree; everything else takes the file itself.
  func checkStarted(_ workflow: WorkflowDraft, _ watched: WatchedDirectories) {
    guard let started = workflow.started else { return }
    let resolved = LocalInspection.resolved(started.value.parent).appending(started.value.name)
    guard let directory = watched.all.first(where: { takes(resolved, in: $0) }) else { return }
    diagnostics.error(
      "'\(started.value)' lies in the watched directory '\(directory.path)', and would be uploaded; "
        + "name a file outside, or leave it out with 'exclude'", at: started.mark)
  }

  /// Whether a workflow takes the file for a tree, or as a part of one, whether or not it is marked.
  private func takes(_ file: BytePath, in directory: WatchedDirectory) -> Bool {
    let workflow = draft.workflows[directory.workflow].workflow
    guard workflow.intake.markerName == nil, directory.reaches(into: file.parent),
      let name = file.relative(to: directory.resolved)
    else { return false }
    // What is wrong with a pattern has been told where the pattern stands.
    guard let selection = try? FileSelection(workflow, compiler: patterns) else { return false }
    // A pattern that gives up on a name takes nothing.
    guard case .taken? = try? selection.verdict(on: name) else { return false }
    return true
  }
}

extension WatchedDirectory {
  /// Whether what lies in `directory` (without links) is looked at; a queue looks no deeper than into its own.
  fileprivate func reaches(into directory: BytePath) -> Bool {
    isFlat ? directory == resolved : directory.isWithin(resolved)
  }
}

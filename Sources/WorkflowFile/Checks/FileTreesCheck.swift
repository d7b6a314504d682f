import SlipwayModel

extension ConfigurationChecks {
  /// What makes little sense where each file is a tree.
  func checkFileTrees(_ workflow: WorkflowDraft) {
    guard workflow.workflow.intake.takesFiles else { return }
    let intake = workflow.queue == nil ? "ready: closed" : "queue"
    if workflow.workflow.intake == .closed, let hook = workflow.hooks.first, !workflow.workflow.hooks.pre.isEmpty,
      workflow.workflow.filter.isEmpty
    {
      diagnostics.warning(
        "what a pre hook writes beside its file is another tree with 'ready: closed', and has the hook run again; "
          + "keep it out with 'filter'", at: hook.mark)
    }
    if let mark = workflow.treeSettings, workflow.workflow.readsTreeSettings {
      diagnostics.error(
        "with '\(intake)' each file is a tree, and has no '\(TreeSettings.fileName)' in it; remove 'tree_settings'",
        at: mark)
    }
    if let commit = workflow.commit, workflow.workflow.commit == .manifest {
      diagnostics.error(
        "'commit: manifest' is for trees of many files; with '\(intake)' each file is a tree, and arrives whole",
        at: commit)
    }
  }
}

import SlipwayModel

extension ConfigurationChecks {
  /// A prefix that strips nothing is allowed, and seldom meant.
  func checkSourcePrefix(_ workflow: WorkflowDraft) {
    guard let prefix = workflow.sourcePrefix else { return }
    for directory in workflow.watch where !directory.value.isWithin(prefix.value) {
      diagnostics.warning(
        "the watched directory '\(directory.value)' does not lie under source_prefix '\(prefix.value)', "
          + "which strips nothing from its paths", at: prefix.mark)
    }
  }
}

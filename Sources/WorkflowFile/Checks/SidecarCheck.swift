import SlipwayModel

extension ConfigurationChecks {
  /// A directory has no place for tags.
  func checkSidecar(_ workflow: WorkflowDraft) {
    guard let mark = workflow.sidecar else { return }
    let known = workflow.destinations.compactMap { draft.destinations[$0.value]?.destination }
    if !known.isEmpty, known.allSatisfy(\.isDirectory) {
      diagnostics.warning("no destination of the workflow keeps the tags that a sidecar gives", at: mark)
    }
  }
}

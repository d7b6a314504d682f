import SlipwayModel

extension ConfigurationChecks {
  /// Each destination of a workflow exists, stands once, and does not write into what the workflow watches.
  func checkDestinations(_ workflow: WorkflowDraft, _ watched: WatchedDirectories) {
    var seen: Set<DestinationName> = []
    for reference in workflow.destinations {
      guard let draft = draft.destinations[reference.value] else {
        diagnostics.error(unknown(reference.value), at: reference.mark)
        continue
      }
      if !seen.insert(reference.value).inserted {
        diagnostics.error("the destination \(quoted(reference.value.text)) is listed twice", at: reference.mark)
      }
      guard case .directory(let path)? = draft.destination?.kind,
        let directory = watched.containing(path, of: workflow.name)
      else { continue }
      diagnostics.error(
        "the destination \(quoted(reference.value.text)) writes to '\(path)' in the watched directory "
          + "'\(directory.path)'", at: reference.mark)
    }
  }

  /// So many destinations are looked at for the one that was meant.
  private static let mostCompared = 1_000

  private func unknown(_ name: DestinationName) -> String {
    let known = diagnostics.isFull ? [] : draft.destinations.keys.prefix(Self.mostCompared).map(\.text)
    let hint = nearest(to: name.text, among: known).map { "; did you mean \(quoted($0))?" } ?? ""
    return "unknown destination \(quoted(name.text))\(hint)"
  }
}

import Glibc
import SlipwayModel

extension ConfigurationChecks {
  /// Files are claimed and disposed of by rename(2): all directories are on one file system, and none is watched.
  func checkQueue(_ workflow: WorkflowDraft, _ watched: WatchedDirectories) {
    guard let queue = workflow.queue else { return }
    if workflow.watch.count > 1 {
      diagnostics.error(
        "a queue has one watched directory: a file in 'working' must tell where it comes from",
        at: workflow.watch[1].mark)
    }
    for (index, directory) in queue.directories.enumerated() {
      checkQueueDirectory(directory.path, of: workflow, watched)
      let resolved = LocalInspection.resolved(directory.path.value)
      let earlier = queue.directories[..<index].first { LocalInspection.resolved($0.path.value) == resolved }
      if directory.key != "working", let earlier, earlier.key == "working" {
        diagnostics.error("'\(directory.path.value)' is the directory of 'working' already", at: directory.path.mark)
      }
    }
    if let directory = workflow.watch.first { checkMayMove(from: directory) }
    if let batch = queue.batch, workflow.workflow.hooks == Hooks() {
      diagnostics.warning(
        "'batch' says how many files share a start of each hook, and there are no hooks", at: batch.mark)
    }
    checkWorkingIsAlone(workflow)
  }

  private func checkQueueDirectory(
    _ path: Located<BytePath>, of workflow: WorkflowDraft, _ watched: WatchedDirectories
  ) {
    if let directory = watched.containing(path.value) {
      diagnostics.error(
        "'\(path.value)' lies in the watched directory '\(directory.path)'; name a directory outside", at: path.mark)
      return
    }
    if case .success(let facts) = LocalInspection.facts(path.value) {
      if !facts.isDirectory {
        diagnostics.error("'\(path.value)' is not a directory", at: path.mark)
        return
      }
      if !LocalInspection.isAllowed(R_OK | W_OK | X_OK, path.value) {
        diagnostics.error("files cannot be moved into '\(path.value)': \(SystemError(EACCES))", at: path.mark)
      }
    }
    guard let device = LocalInspection.device(of: path.value) else { return }
    for directory in workflow.watch {
      guard case .success(let facts) = LocalInspection.facts(directory.value), facts.device != device else { continue }
      diagnostics.error(
        "'\(path.value)' is on another file system than the watched directory '\(directory.value)'; "
          + "files of a queue are claimed and moved by renaming them", at: path.mark)
    }
  }

  private func checkMayMove(from directory: Located<BytePath>) {
    guard case .success(let facts) = LocalInspection.facts(directory.value), facts.isDirectory,
      LocalInspection.isAllowed(R_OK | X_OK, directory.value), !LocalInspection.isAllowed(W_OK, directory.value)
    else { return }
    diagnostics.error(
      "files of a queue are claimed by renaming them, and '\(directory.value)' cannot be written: "
        + "\(SystemError(EACCES))", at: directory.mark)
  }

  /// What lies in it is this workflow's, and nobody else's.
  private func checkWorkingIsAlone(_ workflow: WorkflowDraft) {
    guard let working = workflow.queue?.working else { return }
    let resolved = LocalInspection.resolved(working.value)
    for other in draft.workflows where other.name != workflow.name {
      guard let theirs = other.queue?.working, LocalInspection.resolved(theirs.value) == resolved else { continue }
      // Told once, at the later one.
      if other.mark.line > workflow.mark.line { continue }
      diagnostics.error(
        "'\(working.value)' is where the files of workflow \(quoted(other.name.text)) are worked on already",
        at: working.mark)
    }
  }
}

import SlipwayModel

/// Why a person's wish is not done, as failures.
public enum RunRefusal {
  /// The code where what was named is not there: no run, no tree.
  public static let notThere = "NotThere"
  /// The code where it is there, and not in a state for this.
  public static let wrongState = "WrongState"

  /// The code of a process that is about to end.
  public static let later = "Ending"

  static let ending = Failure(
    .transient(retryAfter: nil), "ask", "the process that is under way", code: later, cause: "it is ending",
    remedy: "try again when it has ended")

  static func unknown(_ verb: String, _ id: RunID, nearest: String?) -> Failure {
    let hint = nearest.map { "did you mean \($0)?" } ?? "'slipway runs' lists them"
    return Failure(
      .permanent, verb, "run \(escaped(id.text.utf8))", code: notThere, cause: "the ledger has no such run",
      remedy: hint)
  }

  static func notFailed(_ run: Run) -> Failure {
    refusal("retry", run, "it is \(run.state.name), and has not failed")
  }

  static func superseded(_ run: Run, by later: Run) -> Failure {
    refusal("retry", run, "\(run.tree.path) has had a later run, \(later.id), which is \(later.state.name)")
  }

  static func treeIsGone(_ run: Run) -> Failure {
    refusal("retry", run, "\(run.tree.path) is gone")
  }

  static func treeIsTaken(_ run: Run, by other: RunID) -> Failure {
    refusal("retry", run, "run \(other) is under way with \(run.tree.path), or with a tree around or in it")
  }

  static func notRunHere(_ run: Run) -> Failure {
    refusal("retry", run, "the process that is under way does not run the workflow '\(run.tree.workflow)'")
  }

  static func notRunHere(_ workflow: WorkflowName) -> Failure {
    Failure(
      .permanent, "push", "the workflow \(workflow)", code: wrongState,
      cause: "the process that is under way does not run it")
  }

  static func isDryRun(_ verb: String, _ workflow: WorkflowName) -> Failure {
    Failure(
      .permanent, verb, "the workflow \(workflow)", code: wrongState,
      cause: "it has 'dry_run: true' in the process that is under way, and sends nothing")
  }

  static func takesNothing(_ workflow: WorkflowName) -> Failure {
    Failure(
      .permanent, "push", "the workflow \(workflow)", code: wrongState, cause: "its intake has ended",
      remedy: "remove the marker that ends it, or start the process again")
  }

  static func notWatched(_ path: BytePath, by workflow: Workflow) -> Failure {
    Failure(
      .permanent, "push", path.description, code: notThere,
      cause: "it lies under no directory that the workflow '\(workflow.name)' watches in the process under way",
      remedy: "name one below \(workflow.watch.map(\.path.description).joined(separator: ", "))")
  }

  static func notAFile(_ tree: TreeID) -> Failure {
    Failure(
      .permanent, "push", tree.path.description, code: notThere,
      cause: "it is no regular file, and each tree of the workflow '\(tree.workflow)' is one")
  }

  static func leftOut(_ tree: TreeID, by reason: SkipReason) -> Failure {
    Failure(
      .permanent, "push", tree.path.description, code: notThere,
      cause: "the workflow '\(tree.workflow)' leaves it out: \(reason.explanation)")
  }

  static func notClaimed(_ tree: TreeID) -> Failure {
    Failure(
      .permanent, "push", tree.path.description, code: notThere,
      cause: "it is no regular file that can be claimed: it is gone, left out, being written, or another process has it"
    )
  }

  static func notAnEntry(_ tree: TreeID) -> Failure {
    Failure(
      .permanent, "push", tree.path.description, code: notThere,
      cause: "the trees of the workflow '\(tree.workflow)' are the entries of \(tree.watch), with files to upload")
  }

  static func notAMirror(_ tree: TreeID) -> Failure {
    Failure(
      .permanent, "push", tree.path.description, code: notThere,
      cause: "the workflow '\(tree.workflow)' mirrors \(tree.watch) as a whole", remedy: "name that directory")
  }

  static func isOver(_ run: Run) -> Failure {
    refusal("cancel", run, "it is \(run.state.name) already")
  }

  private static func refusal(_ verb: String, _ run: Run, _ cause: String) -> Failure {
    Failure(.permanent, verb, "run \(run.id)", code: wrongState, cause: cause)
  }
}

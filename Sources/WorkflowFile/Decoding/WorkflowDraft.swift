import SlipwayModel

/// A workflow of the file with the places that the checks report at. Where something is wrong it holds a stand-in, so
/// that the rest can still be checked; then no configuration is made.
struct WorkflowDraft {
  var workflow: Workflow
  /// The workflow's name.
  let mark: Mark
  var watch: [Located<BytePath>] = []
  var sourcePrefix: Located<BytePath>?
  var targetPrefix: Mark?
  var destinations: [Located<DestinationName>] = []
  /// `after`, and where the directories of `move` stand.
  var after: Mark?
  var moves: [Located<BytePath>] = []
  /// The directories of `queue`, and where it stands.
  var queue: QueueDraft?
  var symlinks: Mark?
  var started: Located<BytePath>?
  var commit: Mark?
  var sidecar: Mark?
  var treeSettings: Mark?
  /// At the hook's program or shell text; the pre hooks first.
  var hooks: [Located<Hook>] = []

  var name: WorkflowName { workflow.name }

  /// Whether a run leaves its files where they are, whatever its end.
  var keepsFiles: Bool { workflow.after == After() }
}

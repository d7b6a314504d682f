import SlipwayModel

/// How trees without a marker come in.
protocol UnmarkedIntake: Actor {
  /// Takes in what these hints make ready, or sees to it that it is looked at later.
  func take(_ hints: [(BytePath, NameHint)]) async throws(Failure)
  /// A run of the tree has ended about which something was told meanwhile.
  func lookAgain(at tree: TreeID) async throws(Failure)
  /// Takes in what lies there ready, and waits until it is known of everything whether it is.
  func scan(_ workflow: Workflow) async throws(Failure)
  /// Walks below `watch` as soon as may be, in a task of its own: nothing waits for it.
  func scanSoon(_ workflow: WorkflowName, _ watch: BytePath)
  /// What a push of the workflow has to wait for: its runs that are not over, and those of everything that a walk finds
  /// ready, or failed earlier. What is still being written is no part of it.
  func takeAll(of workflow: Workflow) async throws(Failure) -> PushedRuns
  /// A run for the tree: the one that it is in, or a new one, as it lies there now.
  func take(_ tree: TreeID) async throws(Failure) -> RunID
  /// Takes in what is ready, and then ends the workflow's intake.
  func complete(_ workflow: Workflow)
  /// Nothing is taken in after it.
  func stop() async
}

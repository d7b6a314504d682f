import SlipwayModel

/// A destination that is out for the runs of a workflow, for people.
public struct KnownOutage: Sendable, Hashable {
  public let workflow: WorkflowName
  public let destination: DestinationName
  public let since: Timestamp
  /// The latest failure's message.
  public let why: String

  public init(workflow: WorkflowName, destination: DestinationName, since: Timestamp, why: String) {
    self.workflow = workflow
    self.destination = destination
    self.since = since
    self.why = why
  }
}

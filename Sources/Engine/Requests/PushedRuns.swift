import SlipwayModel

/// What a push is to wait for.
public struct PushedRuns: Sendable, Hashable {
  public internal(set) var runs: [RunID]
  /// How many places could not be looked at for trees: what lies there is in no run.
  public internal(set) var unseen: Int

  public init(runs: [RunID] = [], unseen: Int = 0) {
    self.runs = runs
    self.unseen = unseen
  }
}

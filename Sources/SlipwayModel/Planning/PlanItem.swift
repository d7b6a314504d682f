/// What a run will do about one thing in its tree, decided before it is done.
public struct PlanItem: Sendable, Hashable {
  public enum Decision: Sendable, Hashable {
    case upload(PlannedUpload)
    /// Every destination has proven, earlier in this run, to hold exactly this content.
    case proven(PlannedUpload)
    case skip(SkipReason)
    /// A marker in a tree inside this one: that tree is taken with this one.
    case answer(inner: BytePath, MarkerIdentity)
    /// It cannot be uploaded; the others go on.
    case fail(Failure)
  }

  /// Relative to the tree.
  public let path: BytePath
  public let decision: Decision

  public init(path: BytePath, decision: Decision) {
    self.path = path
    self.decision = decision
  }
}

/// A file, its key, and the destinations that still lack it.
public struct PlannedUpload: Sendable, Hashable {
  public let fingerprint: Fingerprint
  /// Without a destination's prefix.
  public let key: ObjectKey
  public let destinations: [DestinationName]
  /// The rule of `filter` that took it.
  public let rule: FilterRule?

  public init(fingerprint: Fingerprint, key: ObjectKey, destinations: [DestinationName], rule: FilterRule?) {
    self.fingerprint = fingerprint
    self.key = key
    self.destinations = destinations
    self.rule = rule
  }
}

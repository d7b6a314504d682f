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
  /// Of a file that is not uploaded, but says how others are: what it says now is part of the tree's state.
  public let consulted: Fingerprint?

  public init(path: BytePath, decision: Decision, consulted: Fingerprint? = nil) {
    self.path = path
    self.decision = decision
    self.consulted = consulted
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
  /// What the tree's settings and its sidecar say; read only where something is to be sent.
  public let tags: [String: String]
  /// As the ledger keeps it: that of its sidecar counts, too.
  public let recorded: Fingerprint

  /// `recorded` is `fingerprint` where nothing else is said.
  public init(
    fingerprint: Fingerprint, key: ObjectKey, destinations: [DestinationName], rule: FilterRule?,
    tags: [String: String] = [:], recorded: Fingerprint? = nil
  ) {
    self.fingerprint = fingerprint
    self.key = key
    self.destinations = destinations
    self.rule = rule
    self.tags = tags
    self.recorded = recorded ?? fingerprint
  }
}

extension TreeDigest {
  /// Adds what a plan takes, and what it was consulted about.
  public mutating func add(_ item: PlanItem) {
    if let consulted = item.consulted { note(item.path, consulted) }
    switch item.decision {
    case .upload(let planned), .proven(let planned): add(item.path, planned.fingerprint)
    case .fail, .skip, .answer: break
    }
  }
}

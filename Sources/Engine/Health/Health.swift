import SlipwayModel

/// How well a process sees what it watches and reaches where it sends.
public struct Health: Sendable, Hashable {
  /// A watched directory of which events do not tell everything.
  public struct Watch: Sendable, Hashable {
    public let path: BytePath
    /// Whether nothing lies at its path.
    public let isGone: Bool
    /// How many directories in it are polled.
    public let polled: Int
    /// What was said last of what was lost there; empty if nothing was.
    public let why: String

    public init(path: BytePath, isGone: Bool, polled: Int, why: String) {
      self.path = path
      self.isGone = isGone
      self.polled = polled
      self.why = why
    }
  }

  /// In byte order of their paths; those of which events tell everything are left out.
  public let watches: [Watch]
  /// How often events were lost since the process began; everything has been listed again each time.
  public let losses: Int
  public let outages: [KnownOutage]

  public init(watches: [Watch] = [], losses: Int = 0, outages: [KnownOutage] = []) {
    self.watches = watches
    self.losses = losses
    self.outages = outages
  }

  public var isDegraded: Bool { !watches.isEmpty || !outages.isEmpty }
}

extension Orchestrator {
  public var health: Health {
    Health(watches: watchTroubles.watches, losses: watchTroubles.losses, outages: shared.outages?.known ?? [])
  }
}

/// What the ledger says of one key of a mirror at one destination.
public struct MirroredObject: Sendable, Hashable {
  public enum State: Sendable, Hashable {
    /// The file is there.
    case present
    /// The file is gone, the object may be there.
    case gone
  }

  /// What the destination has proven to hold, and the file that it was.
  public struct Content: Sendable, Hashable {
    public let fingerprint: Fingerprint
    public let receipt: PutReceipt

    public init(fingerprint: Fingerprint, receipt: PutReceipt) {
      self.fingerprint = fingerprint
      self.receipt = receipt
    }
  }

  /// Relative to the watched directory.
  public let path: BytePath
  public let destination: DestinationName
  /// nil: something may lie there, and nobody knows what.
  public let content: Content?
  public let state: State

  public init(path: BytePath, destination: DestinationName, content: Content?, state: State = .present) {
    self.path = path
    self.destination = destination
    self.content = content
    self.state = state
  }

  /// The same in another state.
  public func with(_ state: State) -> Self {
    Self(path: path, destination: destination, content: content, state: state)
  }
}

/// Where a mirror's objects lie at a destination, and whether the ledger knows of all of them.
public struct MirrorPlace: Sendable, Hashable {
  /// What the rows are true of; with another one they tell nothing.
  public let address: String
  /// False from before the first effect of a run until all that came of it is written down: then a listing tells.
  public let isComplete: Bool

  public init(address: String, isComplete: Bool) {
    self.address = address
    self.isComplete = isComplete
  }
}

/// How many objects of a mirror the ledger knows at a destination.
public struct MirrorCounts: Sendable, Hashable {
  public var all: Int
  /// Of files that are gone, and whose content no other key of a file that is there has been proven to hold.
  public var gone: Int
  /// Of all files that are gone.
  public var toDelete: Int

  public init(all: Int = 0, gone: Int = 0, toDelete: Int = 0) {
    self.all = all
    self.gone = gone
    self.toDelete = toDelete
  }
}

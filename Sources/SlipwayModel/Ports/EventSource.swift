/// Tells that something may have happened below watched directories. Events are hints: they may come twice, late, or
/// for what is gone; after `lost` or at a restart only a scan knows.
public protocol EventSource: Sendable {
  /// Begins to watch `directories` (absolute, existing) and everything below them, following no links. Watches are
  /// set before a directory is listed, so whatever appears is either listed or told. Throws a failure with its
  /// remedy if a directory cannot be watched at all. Called once.
  func start(_ directories: [BytePath], interest: WatchInterest) async throws(Failure)

  /// The next events, at least one; waits for them. Equal events that nobody has taken yet are told once. nil after
  /// `stop`. For one caller at a time.
  func next() async -> [TreeEvent]?

  /// Ends it; may be called twice, or before `start`.
  func stop() async
}

/// Which names a source tells of.
public struct WatchInterest: Sendable, Hashable {
  /// Last components, below every watched directory.
  public let names: Set<BytePath>
  /// Watched directories below which everything that is no directory is of interest, and of directories that they are
  /// gone: what lay in one that was moved away is not told by itself. What the source comes by while it lists a whole
  /// watched directory is not told one by one: whoever is told `listed` walks it.
  public let everythingIn: Set<BytePath>

  public init(names: Set<BytePath>, everythingIn: Set<BytePath> = []) {
    self.names = names
    self.everythingIn = everythingIn
  }
}

public enum TreeEvent: Sendable, Hashable {
  /// Something of this name was found, made, closed after writing, moved in or removed. Absolute path.
  case name(BytePath, NameHint)
  /// This watched directory and all below it has been listed: a name of interest that was not told is not there. Where
  /// everything is of interest: it is to be walked, since not everything that has happened was told.
  case listed(watch: BytePath)
  /// The kernel lost events or does not tell of all that happens, or a listing was incomplete; the source lists again
  /// by itself.
  case lost(watch: BytePath, Failure)
  /// So many directories below this watched one are polled from now on, since events do not tell of all that happens
  /// in them.
  case polled(watch: BytePath, directories: Int)
  /// A watched directory is no longer at its path.
  case gone(watch: BytePath)
}

public enum NameHint: Sendable, Hashable {
  /// Listed, linked or created: a writer may still have it open.
  case found
  /// Closed after writing, or moved in: it is as its writer wanted it.
  case complete
  case removed
}

/// Reads what a tree says of itself.
public protocol TreeSettingsReader: Sendable {
  /// The settings in `text`, which is called `file` in what is told of it. Whoever wrote the tree wrote it: nothing is
  /// taken from the environment, and time and memory are bounded. Throws a permanent failure that names what is wrong
  /// with line and column. Pure.
  func read(_ text: [UInt8], as file: BytePath) throws(Failure) -> TreeSettings
}

/// For an engine whose workflows have no `tree_settings`.
public struct NoTreeSettings: TreeSettingsReader {
  public init() {}

  public func read(_ text: [UInt8], as file: BytePath) throws(Failure) -> TreeSettings {
    throw Failure(.permanent, "read", file.description, cause: "nothing was given that reads the settings of a tree")
  }
}

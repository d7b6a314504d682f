/// What a destination of `type: plugin` says: a program that stores what it is asked to.
public struct PluginDestination: Sendable, Hashable {
  /// An absolute path, or a bare name that is looked up in PATH.
  public var program: BytePath
  public var arguments: [String]
  /// Where the program runs: the directory of the file that names it. Absolute.
  public var directory: BytePath
  /// What `env:` says, in its order.
  public var environment: [EnvironmentVariable] = []
  /// Names that are taken over from Slipway's own environment.
  public var passedEnvironment: [String] = []
  /// For the answer to one request.
  public var timeout = Duration.seconds(600)
  /// Requests in flight.
  public var transfers = 8
  /// Whether it answers each put with the checksum of what it holds; it must say the same of itself when it starts.
  public var provesContent = false

  public init(program: BytePath, arguments: [String] = [], directory: BytePath) {
    self.program = program
    self.arguments = arguments
    self.directory = directory
  }
}

/// `hooks:` of a workflow.
public struct Hooks: Sendable, Hashable {
  public var pre: [Hook]
  public var post: [Hook]

  public init(pre: [Hook] = [], post: [Hook] = []) {
    self.pre = pre
    self.post = post
  }
}

/// One script before or after the upload of a tree.
public struct Hook: Sendable, Hashable {
  public enum Phase: String, Sendable, Hashable {
    case pre, post
  }
  public enum Command: Sendable, Hashable {
    /// An absolute path, or a bare name that is looked up in PATH; then its arguments.
    case program(BytePath, arguments: [String])
    /// The text for `sh -c`, untouched.
    case shell(String)
  }
  public enum Condition: String, Sendable, Hashable, CaseIterable {
    case success, failure, always
  }

  public var command: Command
  public var location: SourceLocation
  /// For post hooks; a pre hook runs always.
  public var condition: Condition
  public var timeout: Duration
  /// What `env:` says, in its order.
  public var environment: [EnvironmentVariable]
  /// Names that are taken over from Slipway's own environment.
  public var passedEnvironment: [String]
  public var runsInDryRun: Bool

  public init(
    command: Command, location: SourceLocation, condition: Condition = .success, timeout: Duration = .seconds(600),
    environment: [EnvironmentVariable] = [], passedEnvironment: [String] = [], runsInDryRun: Bool = false
  ) {
    self.command = command
    self.location = location
    self.condition = condition
    self.timeout = timeout
    self.environment = environment
    self.passedEnvironment = passedEnvironment
    self.runsInDryRun = runsInDryRun
  }

  /// The hook in a message: its program as written or `shell`.
  public var title: String {
    switch command {
    case .program(let path, _): path.description
    case .shell(let text): "shell: \(escaped(text.utf8.prefix(60)))"
    }
  }
}

public struct EnvironmentVariable: Sendable, Hashable {
  public let name: String
  public let value: [UInt8]

  public init(_ name: String, _ value: [UInt8]) {
    self.name = name
    self.value = value
  }

  public init(_ name: String, _ value: String) {
    self.init(name, Array(value.utf8))
  }
}

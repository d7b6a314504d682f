/// What the ledger says of one hook of a run: its latest start.
public struct HookRecord: Sendable, Hashable {
  public let run: RunID
  public let phase: Hook.Phase
  /// Which hook of the workflow; see `Hook.identity(among:)`.
  public let hook: String
  /// How often it has been started in this run, from 1.
  public let attempt: Int
  public let started: Timestamp
  /// nil while it runs, or when the process died in it.
  public let result: HookResult?

  public init(run: RunID, phase: Hook.Phase, hook: String, attempt: Int, started: Timestamp, result: HookResult?) {
    self.run = run
    self.phase = phase
    self.hook = hook
    self.attempt = attempt
    self.started = started
    self.result = result
  }

  public var succeeded: Bool { result?.ending == .exited(0) }
}

extension Hook {
  /// The hook's command line; the second of two equal ones of a list ends in `#2`. It stays the same when the list
  /// around it is changed, so that a hook that has ended well is not taken for another after an edit of the file.
  public static func identities(of hooks: [Hook]) -> [String] {
    var seen: [String: Int] = [:]
    return hooks.map { hook in
      let line = hook.commandLine
      seen[line, default: 0] += 1
      return seen[line] == 1 ? line : "\(line) #\(seen[line] ?? 1)"
    }
  }

  private var commandLine: String {
    switch command {
    case .program(let path, let arguments):
      ([path.description] + arguments.map { escaped($0.utf8) }).joined(separator: " ")
    case .shell(let text): "sh -c \(escaped(text.utf8))"
    }
  }
}

import SlipwayModel

/// What a verb asks of the process that is under way.
package enum ControlRequest: Sendable, Hashable {
  case retry(RunID)
  case retryFailed
  case cancel(RunID)
  /// Makes the trees at these absolute paths ready now; for none of them, what the workflow has to do.
  case push(WorkflowName, [BytePath])
  /// How well it sees and reaches what it has to.
  case health

  /// In bytes.
  package static let limit = 1 << 20

  static let method = "POST"

  var path: String {
    switch self {
    case .retry: "/retry"
    case .retryFailed: "/retry-failed"
    case .cancel: "/cancel"
    case .push: "/push"
    case .health: "/health"
    }
  }

  /// Its arguments, a NUL behind each: they may hold any other byte.
  package var body: [UInt8] {
    let arguments: [[UInt8]] =
      switch self {
      case .retryFailed, .health: []
      case .retry(let run), .cancel(let run): [Array(run.text.utf8)]
      case .push(let workflow, let trees): [Array(workflow.text.utf8)] + trees.map(\.bytes)
      }
    return arguments.flatMap { $0 + [0] }
  }

  /// nil for what is no request.
  init?(path: String, body: [UInt8]) {
    let arguments = body.split(separator: 0, omittingEmptySubsequences: false).dropLast()
    let first = arguments.first.map { String(decoding: $0, as: UTF8.self) }
    switch (path, first) {
    case ("/retry-failed", nil): self = .retryFailed
    case ("/health", nil): self = .health
    case ("/retry", let run?) where arguments.count == 1: self = .retry(RunID(run))
    case ("/cancel", let run?) where arguments.count == 1: self = .cancel(RunID(run))
    case ("/push", let workflow?):
      self = .push(WorkflowName(workflow), arguments.dropFirst().map { BytePath(Array($0)) })
    default: return nil
    }
  }
}

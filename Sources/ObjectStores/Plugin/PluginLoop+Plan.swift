import Logging
import SlipwayModel

extension PluginLoop {
  /// What a plugin is, and how it is kept.
  struct Plan: Sendable {
    let destination: DestinationName
    let settings: PluginDestination
    let command: PluginCommand
    let logger: Logger
    /// From the end of its input to TERM, and from TERM to KILL.
    let grace: Duration
    let pace: PluginPace
    let live = LivePlugin()

    var subject: String { "the plugin of \(destination)" }

    func subject(_ request: PluginRequest) -> String {
      let of = request.operation == .list ? "what is under '\(request.key)'" : request.key.description
      return "\(of) at \(subject)"
    }
  }
}

/// What is told of requests that the plugin has not answered.
extension PluginLoop.Plan {
  func stopped(_ request: PluginRequest) -> Failure {
    Failure(
      .transient(retryAfter: nil), request.operation.verb, subject(request), code: "Cancelled", cause: "it was stopped")
  }

  func notOffered(_ request: PluginRequest) -> Failure {
    Failure(
      .permanent, request.operation.verb, subject(request), code: "NotOffered",
      cause: "the plugin does not offer '\(request.operation.rawValue)'")
  }

  func notAnswered(_ request: PluginRequest) -> Failure {
    Failure(
      .transient(retryAfter: nil), request.operation.verb, subject(request), code: "PluginTimeout",
      cause: "it was not answered within \(settings.timeout)")
  }

  /// It was asked for by a process that is gone; the next one may answer it.
  func ended(_ request: PluginRequest, _ cause: String) -> Failure {
    Failure(
      .transient(retryAfter: nil), request.operation.verb, subject(request), code: "PluginEnded",
      cause: "the plugin \(cause)")
  }

  /// What was not asked yet is not asked: the plugin does not stay.
  func ended(_ cause: String) -> Failure {
    Failure(
      .transient(retryAfter: nil), "use", subject, code: "PluginEnded", cause: "it \(cause)",
      remedy: "what it writes to stderr stands in the log", isUnreachable: true)
  }
}

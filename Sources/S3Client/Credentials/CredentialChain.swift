import SlipwayModel
import Synchronization

/// Asks one place after the other, and remembers what each said. Any task.
package final class CredentialChain: Sendable {
  /// What the last round brought, for whoever wants to know where keys come from.
  package struct Report: Sendable, Hashable {
    package struct Lack: Sendable, Hashable {
      package let source: String
      /// One clause, without anything secret.
      package let reason: String
    }

    /// The place that gave keys; nil if none did.
    package var answered: String?
    /// Those that were asked before it, in order.
    package var lacks: [Lack] = []

    /// `the environment: AWS_ACCESS_KEY_ID is not set; …`
    package var lacksText: String { lacks.map { "\($0.source): \($0.reason)" }.joined(separator: "; ") }
  }

  private let sources: [any CredentialSource]
  /// For messages: what is to be signed for.
  private let subject: String
  private let remedy: String
  private let latest = Mutex(Report())
  private let everAnswered = Mutex(false)

  package init(
    _ sources: [any CredentialSource], subject: String,
    remedy: String = "set credentials: {access_key_id: …, secret_access_key: …} at the destination, "
      + "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
  ) {
    self.sources = sources
    self.subject = subject
    self.remedy = remedy
  }

  package var report: Report { latest.withLock { $0 } }

  /// The first keys that a place gives. Throws what a place throws that is set up and fails, and a failure that names
  /// all of them if none is.
  package func fetch() async throws(Failure) -> TimedCredentials {
    var report = Report()
    defer { latest.withLock { [report] in $0 = report } }
    for source in sources {
      switch try await answer(source, &report) {
      case .keys(let keys):
        report.answered = source.name
        everAnswered.withLock { $0 = true }
        return keys
      case .lacking(let reason): report.lacks.append(.init(source: source.name, reason: reason))
      }
    }
    throw nothingFound(report)
  }

  private func answer(_ source: any CredentialSource, _ report: inout Report) async throws(Failure) -> CredentialAnswer
  {
    do throws(Failure) {
      return try await source.ask()
    } catch {
      report.lacks.append(.init(source: source.name, reason: error.cause))
      throw error
    }
  }

  private func nothingFound(_ report: Report) -> Failure {
    // What gave keys before will most likely give them again: a metadata service that is being started anew.
    let kind: Failure.Kind = everAnswered.withLock { $0 } ? .transient(retryAfter: nil) : .blocked
    return Failure(
      kind, "sign requests for", subject, code: "MissingCredentials",
      cause: "there are no credentials" + (report.lacks.isEmpty ? "" : " (\(report.lacksText))"),
      remedy: remedy)
  }
}

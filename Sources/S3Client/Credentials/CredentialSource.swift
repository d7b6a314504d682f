import HTTPTransport
import SlipwayModel

/// Keys, and until when they are good.
package struct TimedCredentials: Sendable, Hashable {
  package let keys: S3Credentials
  /// nil: they do not expire.
  package let expiry: Timestamp?

  package init(_ keys: S3Credentials, expiry: Timestamp? = nil) {
    self.keys = keys
    self.expiry = expiry
  }

  func isExpired(at moment: Timestamp) -> Bool { expiry.map { $0 <= moment } ?? false }
}

/// What one place has to say.
package enum CredentialAnswer: Sendable, Hashable {
  case keys(TimedCredentials)
  /// Nobody set this place up; one clause that says what it lacks, without anything secret.
  case lacking(String)
}

/// One place where keys may lie.
package protocol CredentialSource: Sendable {
  /// For messages: `the environment`.
  var name: String { get }

  /// Throws if the place is set up but gives no keys: going on to the next place would then mean to act as somebody
  /// else than was meant. Any task, any number of times.
  func ask() async throws(Failure) -> CredentialAnswer
}

extension CredentialSource {
  func failure(_ kind: Failure.Kind, _ code: String, _ cause: String, remedy: String = "") -> Failure {
    Failure(kind, "get credentials from", name, code: code, cause: cause, remedy: remedy)
  }
}

/// What surrounds the sources: all that is not a value reaches them by this.
package struct CredentialSurroundings: Sendable {
  package var environment: [String: String]
  package var files: CredentialFiles
  package var programs: CredentialPrograms
  package var transport: any HTTPSender
  package var now: @Sendable () -> Timestamp
  /// Throws when the task is cancelled.
  package var sleep: @Sendable (Duration) async throws -> Void

  package init(
    environment: [String: String], files: CredentialFiles = .local, programs: CredentialPrograms = .local,
    transport: any HTTPSender,
    now: @escaping @Sendable () -> Timestamp,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.environment = environment
    self.files = files
    self.programs = programs
    self.transport = transport
    self.now = now
    self.sleep = sleep
  }
}

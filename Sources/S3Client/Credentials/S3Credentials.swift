import SlipwayModel

/// Keys that sign requests.
public struct S3Credentials: Sendable, Hashable {
  public let accessKeyID: String
  public let secretAccessKey: Secret
  /// nil for long-lived keys.
  public let sessionToken: Secret?

  /// An empty session token is none.
  public init(accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken?.reveal().isEmpty == true ? nil : sessionToken
  }
}

/// Where keys come from. Asked before each request; a provider that has to fetch them keeps them until they expire.
public protocol CredentialProvider: Sendable {
  /// Throws a blocked failure that says where keys were looked for. Any task.
  nonisolated(nonsending) func credentials() async throws(Failure) -> S3Credentials

  /// Whether keys may be replaced at their place with nothing in them to tell when: any refusal is then a reason to ask
  /// for others. Any task.
  var mayChangeUntold: Bool { get }

  /// After a server refused `refused`: keys that are newer, fetched at once if need be; `refused` again if there
  /// are no others. One fetch serves everybody who waits. Throws like `credentials()`. Any task.
  func credentials(insteadOf refused: S3Credentials) async throws(Failure) -> S3Credentials
}

extension CredentialProvider {
  /// Of keys that are not fetched, or that expire.
  public var mayChangeUntold: Bool { false }

  /// For keys that are not fetched.
  public func credentials(insteadOf refused: S3Credentials) async throws(Failure) -> S3Credentials {
    try await credentials()
  }
}

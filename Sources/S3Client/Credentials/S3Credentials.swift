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
  func credentials() async throws(Failure) -> S3Credentials
}

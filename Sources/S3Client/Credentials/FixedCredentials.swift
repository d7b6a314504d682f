import SlipwayModel

/// Keys that never change.
public struct FixedCredentials: CredentialProvider {
  private let keys: S3Credentials

  public init(_ keys: S3Credentials) {
    self.keys = keys
  }

  nonisolated(nonsending) public func credentials() async throws(Failure) -> S3Credentials { keys }
}

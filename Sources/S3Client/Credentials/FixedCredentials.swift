import SlipwayModel

/// Keys that never change.
public struct FixedCredentials: CredentialProvider {
  private let keys: S3Credentials

  public init(_ keys: S3Credentials) {
    self.keys = keys
  }

  public func credentials() async throws(Failure) -> S3Credentials { keys }
}

/// Nobody named any keys.
struct MissingCredentials: CredentialProvider {
  let bucket: String

  func credentials() async throws(Failure) -> S3Credentials {
    throw Failure(
      .blocked, "sign requests for", "s3://\(escaped(bucket.utf8))", code: "MissingCredentials",
      cause: "there are no credentials",
      remedy: "set credentials: {access_key_id: …, secret_access_key: …} at the destination, "
        + "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
  }
}

/// The destination's own keys, else those of the environment.
func credentialProvider(for settings: S3Destination, environment: [String: String]) -> any CredentialProvider {
  if let keys = settings.credentials {
    return FixedCredentials(
      S3Credentials(
        accessKeyID: keys.accessKeyID, secretAccessKey: keys.secretAccessKey, sessionToken: keys.sessionToken))
  }
  guard let id = environment.nonEmpty("AWS_ACCESS_KEY_ID"), let secret = environment.nonEmpty("AWS_SECRET_ACCESS_KEY")
  else { return MissingCredentials(bucket: settings.bucket) }
  return FixedCredentials(
    S3Credentials(
      accessKeyID: id, secretAccessKey: Secret(secret),
      sessionToken: environment.nonEmpty("AWS_SESSION_TOKEN").map(Secret.init)))
}

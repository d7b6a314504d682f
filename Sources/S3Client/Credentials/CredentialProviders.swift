import SlipwayModel

/// The destination's own keys, else those that the AWS tools would find here.
func credentialProvider(for settings: S3Destination, _ surroundings: CredentialSurroundings) -> any CredentialProvider {
  if let keys = settings.credentials {
    return FixedCredentials(
      S3Credentials(
        accessKeyID: keys.accessKeyID, secretAccessKey: keys.secretAccessKey, sessionToken: keys.sessionToken))
  }
  let chain = CredentialChain(
    defaultSources(surroundings), subject: "s3://\(escaped(settings.bucket.utf8))")
  return CachedCredentials(now: surroundings.now) { () async throws(Failure) in try await chain.fetch() }
}

/// In the order in which they are asked.
package func defaultSources(_ surroundings: CredentialSurroundings) -> [any CredentialSource] {
  [
    EnvironmentCredentials(surroundings.environment),
    ProfileCredentials(surroundings),
    WebIdentityCredentials(surroundings),
    ContainerCredentials(surroundings),
    InstanceCredentials(surroundings),
  ]
}

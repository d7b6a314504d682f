import SlipwayModel

/// Where a client's keys come from.
package struct ResolvedCredentials: Sendable {
  package let provider: any CredentialProvider
  /// nil where the destination holds the keys itself.
  private let chain: CredentialChain?
  private let surroundings: CredentialSurroundings

  /// The destination's own keys or its own profile and nothing else, otherwise those that the AWS tools would find here.
  /// Asks nobody.
  init(_ settings: S3Destination, _ surroundings: CredentialSurroundings) {
    self.surroundings = surroundings
    if let keys = settings.credentials {
      chain = nil
      provider = FixedCredentials(
        S3Credentials(
          accessKeyID: keys.accessKeyID, secretAccessKey: keys.secretAccessKey, sessionToken: keys.sessionToken))
      return
    }
    let chain = Self.chain(settings, surroundings)
    self.chain = chain
    provider = CachedCredentials(now: surroundings.now) { () async throws(Failure) in try await chain.fetch() }
  }

  /// Which place gives keys, and why those before it do not. Asks them if nobody has yet.
  package func report() async -> CredentialChain.Report {
    guard let chain else { return CredentialChain.Report(answered: "the destination") }
    // What fails stands in the report.
    do throws(Failure) { _ = try await provider.credentials() } catch {}
    return chain.report
  }

  /// Whose keys they are, by the token service of `region`.
  func callerARN(region: String) async throws(Failure) -> String {
    var surroundings = surroundings
    surroundings.environment["AWS_REGION"] = region
    return try await TokenService(surroundings, for: "the token service").callerARN(of: provider.credentials())
  }

  private static func chain(_ settings: S3Destination, _ surroundings: CredentialSurroundings) -> CredentialChain {
    let subject = "s3://\(escaped(settings.bucket.utf8))"
    guard let profile = settings.profile else { return CredentialChain(defaultSources(surroundings), subject: subject) }
    return CredentialChain(
      [ProfileCredentials(surroundings, profile: profile)], subject: subject,
      remedy: "name keys in the profile, or correct credentials: {profile: …} at the destination")
  }
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

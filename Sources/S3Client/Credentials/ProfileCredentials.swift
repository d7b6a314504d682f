import SlipwayModel

/// The keys of a profile of `~/.aws`, or of the role that it names.
package struct ProfileCredentials: CredentialSource {
  private let surroundings: CredentialSurroundings
  private let profile: String
  /// Whether somebody asked for this very profile.
  private let isNamed: Bool

  /// `profile` nil: that of AWS_PROFILE, else `default`.
  package init(_ surroundings: CredentialSurroundings, profile: String? = nil) {
    self.surroundings = surroundings
    self.profile = profile ?? ProfileSet.name(surroundings.environment)
    isNamed = profile != nil || surroundings.environment.nonEmpty("AWS_PROFILE") != nil
  }

  package var name: String { "the profile \(escaped(profile.utf8))" }

  package func ask() async throws(Failure) -> CredentialAnswer {
    let profiles = try await ProfileSet.read(surroundings).profiles
    if profiles[profile] == nil, !isNamed { return .lacking("it is not in \(paths)") }
    return try await resolve(profile, profiles, [])
  }

  private var paths: String { ProfileSet.Paths(surroundings.environment).text }

  /// `above` are the profiles whose roles are assumed with the keys of this one.
  private func resolve(
    _ profile: String, _ profiles: [String: [String: String]], _ above: [String]
  ) async throws(Failure) -> CredentialAnswer {
    guard let values = profiles[profile] else {
      throw failure(
        .blocked, "MissingProfile", "there is no profile \(escaped(profile.utf8)) in \(paths)",
        remedy: "add it, or correct \(above.isEmpty ? "AWS_PROFILE" : "source_profile")")
    }
    if let role = values.nonEmpty("role_arn") {
      return try await assume(role, values, profile, profiles, above + [profile])
    }
    if let keys = try keys(of: values) { return .keys(TimedCredentials(keys)) }
    try refuseOtherWays(values)
    return .lacking("it names no keys")
  }

  private func keys(of values: [String: String]) throws(Failure) -> S3Credentials? {
    guard let id = values.nonEmpty("aws_access_key_id") else { return nil }
    guard let secret = values.nonEmpty("aws_secret_access_key") else {
      throw failure(.blocked, "PartialCredentials", "aws_secret_access_key is missing", remedy: "add it to the profile")
    }
    let token = values.nonEmpty("aws_session_token").map(Secret.init)
    return S3Credentials(accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: token)
  }

  /// Whoever wrote one of these means to be somebody; the next place of the chain would be somebody else.
  private func refuseOtherWays(_ values: [String: String]) throws(Failure) {
    for key in ["credential_process", "sso_session", "sso_start_url"] where values.nonEmpty(key) != nil {
      throw failure(
        .blocked, "UnsupportedProfile", "\(key) is not supported",
        remedy: "name keys or a role in the profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    }
  }

  private func assume(
    _ role: String, _ values: [String: String], _ profile: String, _ profiles: [String: [String: String]],
    _ chain: [String]
  ) async throws(Failure) -> CredentialAnswer {
    throw failure(.blocked, "UnsupportedProfile", "role_arn is not supported")
  }
}

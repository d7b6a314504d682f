import SlipwayModel

/// The keys of a profile of `~/.aws`, or of the role that it names.
package struct ProfileCredentials: CredentialSource {
  private let surroundings: CredentialSurroundings
  private let profile: String
  /// Who asked for this very profile; nil: nobody did.
  private let namedBy: String?
  private let tokens = SSOTokenMemory()

  /// `profile` is the destination's; nil: that of AWS_PROFILE, else `default`.
  package init(_ surroundings: CredentialSurroundings, profile: String? = nil) {
    self.surroundings = surroundings
    self.profile = profile ?? ProfileSet.name(surroundings.environment)
    namedBy =
      profile != nil
      ? "profile at the destination" : surroundings.environment.nonEmpty("AWS_PROFILE").map { _ in "AWS_PROFILE" }
  }

  package var name: String { "the profile \(escaped(profile.utf8))" }

  package func ask() async throws(Failure) -> CredentialAnswer {
    let set = try await ProfileSet.read(surroundings)
    guard let namedBy else {
      return set.profiles[profile] == nil
        ? .lacking("it is not in \(paths)") : try await resolve(profile, set, [], "AWS_PROFILE")
    }
    return try await resolve(profile, set, [], namedBy)
  }

  private var paths: String { ProfileSet.Paths(surroundings.environment).text }

  /// `above` are the profiles whose roles are assumed with the keys of this one; `namedBy` is what its name stands in.
  private func resolve(
    _ profile: String, _ set: ProfileSet, _ above: [String], _ namedBy: String
  ) async throws(Failure) -> CredentialAnswer {
    guard let values = set.profiles[profile] else {
      throw failure(
        .blocked, "MissingProfile", "there is no profile \(escaped(profile.utf8)) in \(paths)",
        remedy: "add it, or correct \(namedBy)")
    }
    if let role = values.nonEmpty("role_arn") {
      return try await assume(role, values, profile, set, above + [profile])
    }
    if let keys = try keys(of: values) { return .keys(TimedCredentials(keys)) }
    if values.nonEmpty("sso_session") != nil || values.nonEmpty("sso_start_url") != nil {
      return try await SSOCredentials(surroundings, name: name, profile: profile, values, set.sections, tokens).ask()
    }
    if let command = values.nonEmpty("credential_process") {
      return try await ProcessCredentials(surroundings, name: name, command: command).ask()
    }
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
}

/// Roles that a profile names.
extension ProfileCredentials {
  private func assume(
    _ arn: String, _ values: [String: String], _ profile: String, _ set: ProfileSet, _ chain: [String]
  ) async throws(Failure) -> CredentialAnswer {
    if values.nonEmpty("mfa_serial") != nil {
      throw failure(.blocked, "UnsupportedProfile", "mfa_serial needs somebody who types a code")
    }
    var role = TokenService.Role(arn: arn, sessionName: values.nonEmpty("role_session_name"))
    if let file = values.nonEmpty("web_identity_token_file") {
      return .keys(try await keys(role, tokenFile: file, surroundings))
    }
    role.externalID = values.nonEmpty("external_id")
    role.seconds = values.nonEmpty("duration_seconds")
    let base = try await base(values, profile, set, chain)
    return .keys(try await TokenService(surroundings, for: name).assume(role, by: base))
  }

  /// The keys that may assume the role of `profile`, the last one of `chain`.
  private func base(
    _ values: [String: String], _ profile: String, _ set: ProfileSet, _ chain: [String]
  ) async throws(Failure) -> S3Credentials {
    if let next = values.nonEmpty("source_profile") {
      // A profile may name itself: then its own keys are meant.
      if next == profile, let own = try keys(of: values) { return own }
      guard !chain.contains(next) else {
        throw failure(
          .blocked, "ProfileLoop", "source_profile leads from \(escaped(next.utf8)) back to itself",
          remedy: "correct source_profile")
      }
      return try found(try await resolve(next, set, chain, "source_profile"), "the profile \(escaped(next.utf8))")
    }
    let source = try namedSource(values)
    return try found(try await source.ask(), source.name)
  }

  private func found(_ answer: CredentialAnswer, _ place: String) throws(Failure) -> S3Credentials {
    switch answer {
    case .keys(let found): return found.keys
    case .lacking(let reason):
      throw failure(.blocked, "MissingCredentials", "the role needs keys of \(place), but \(reason)")
    }
  }

  private func namedSource(_ values: [String: String]) throws(Failure) -> any CredentialSource {
    switch values.nonEmpty("credential_source") {
    case "Environment": EnvironmentCredentials(surroundings.environment)
    case "EcsContainer": ContainerCredentials(surroundings)
    case "Ec2InstanceMetadata": InstanceCredentials(surroundings)
    case let other:
      throw failure(
        .blocked, "InvalidProfile",
        other == nil
          ? "role_arn needs source_profile or credential_source"
          : "credential_source is none of Environment, EcsContainer and Ec2InstanceMetadata")
    }
  }
}

import SlipwayModel

/// The keys of a role for a token that a platform (EKS, a CI service) keeps in a file.
package struct WebIdentityCredentials: CredentialSource {
  private let surroundings: CredentialSurroundings

  package init(_ surroundings: CredentialSurroundings) {
    self.surroundings = surroundings
  }

  package var name: String { "web identity" }

  package func ask() async throws(Failure) -> CredentialAnswer {
    let environment = surroundings.environment
    guard let file = environment.nonEmpty(Self.tokenFile) else { return .lacking("\(Self.tokenFile) is not set") }
    guard let arn = environment.nonEmpty("AWS_ROLE_ARN") else { return .lacking("AWS_ROLE_ARN is not set") }
    let role = TokenService.Role(arn: arn, sessionName: environment.nonEmpty("AWS_ROLE_SESSION_NAME"))
    return .keys(try await keys(role, tokenFile: file, surroundings))
  }

  private static let tokenFile = "AWS_WEB_IDENTITY_TOKEN_FILE"
}

extension CredentialSource {
  /// The file is read anew each time, because its token lives shorter than the process.
  func keys(
    _ role: TokenService.Role, tokenFile: String, _ surroundings: CredentialSurroundings
  ) async throws(Failure) -> TimedCredentials {
    guard let token = try await surroundings.files.token(tokenFile) else {
      throw failure(.blocked, "MissingToken", "the token's file \(escaped(tokenFile.utf8)) is missing or empty")
    }
    return try await TokenService(surroundings, for: name).assume(role, token: token)
  }
}

import SlipwayModel

/// The keys of the environment.
package struct EnvironmentCredentials: CredentialSource {
  private let environment: [String: String]

  package init(_ environment: [String: String]) {
    self.environment = environment
  }

  package var name: String { "the environment" }

  package func ask() async throws(Failure) -> CredentialAnswer {
    guard let id = environment.nonEmpty("AWS_ACCESS_KEY_ID") else { return .lacking("AWS_ACCESS_KEY_ID is not set") }
    guard let secret = environment.nonEmpty("AWS_SECRET_ACCESS_KEY") else {
      throw failure(
        .blocked, "PartialCredentials", "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not",
        remedy: "set both or none")
    }
    let token = environment.nonEmpty("AWS_SESSION_TOKEN").map(Secret.init)
    return .keys(
      TimedCredentials(S3Credentials(accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: token)))
  }
}

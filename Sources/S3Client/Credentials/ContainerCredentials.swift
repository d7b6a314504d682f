import HTTPTransport
import SlipwayModel

/// The keys that the agent of ECS or EKS gives to a container.
package struct ContainerCredentials: CredentialSource {
  private let surroundings: CredentialSurroundings
  private var environment: [String: String] { surroundings.environment }

  package init(_ surroundings: CredentialSurroundings) {
    self.surroundings = surroundings
  }

  package var name: String { "the container's agent" }

  /// For one try.
  static let limit = Duration.seconds(5)

  package func ask() async throws(Failure) -> CredentialAnswer {
    guard let url = try url() else {
      return .lacking("neither \(Self.relative) nor \(Self.full) is set")
    }
    var fields = HTTPFields()
    if let token = try await token() { fields.append("authorization", token.reveal()) }
    guard !fields.isMalformed else {
      throw failure(.blocked, "InvalidToken", "the authorization token cannot stand in a header field")
    }
    fields.append("accept", "application/json")
    // Over plain http it can only be this machine or its link.
    let fetch = CredentialFetch(
      surroundings: surroundings, limit: Self.limit, usesProxy: url.lowercased().hasPrefix("https:"))
    return try keys(try await send(HTTPRequest(.get, url, fields: fields), fetch))
  }

  private static let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
  private static let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"

  private func url() throws(Failure) -> String? {
    if let path = environment.nonEmpty(Self.relative) {
      guard path.hasPrefix("/"), isPrintable(path) else {
        throw failure(.blocked, "InvalidEndpoint", "\(Self.relative) is no path that begins with a slash")
      }
      return "http://169.254.170.2\(path)"
    }
    return try environment.nonEmpty(Self.full).map { url throws(Failure) in try checked(url) }
  }

  /// Over plain http keys come from this machine alone: its loopback interface, or the link-local addresses of ECS and
  /// EKS (AWS SDKs and Tools Reference Guide, "Container credential provider").
  private func checked(_ url: String) throws(Failure) -> String {
    let server: Server
    do throws(Failure) {
      guard isPrintable(url), let end = authorityEnd(url) else { throw invalid(url) }
      server = try Server(String(url[..<end]), name)
    } catch {
      throw invalid(url)
    }
    guard server.isEncrypted || server.isThisMachine || Self.hosts.contains(host(of: server)) else {
      throw failure(
        .blocked, "InsecureEndpoint", "\(Self.full) names another machine over plain http", remedy: "use https")
    }
    return url
  }

  private static let hosts: Set<String> = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]

  private func invalid(_ url: String) -> Failure {
    failure(.blocked, "InvalidEndpoint", "\(Self.full) is no address of http or https")
  }

  /// Where the path begins. Whatever else may stand before it (a user's name) is refused with the authority.
  private func authorityEnd(_ url: String) -> String.Index? {
    guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return nil }
    let rest = url[url.index(colon, offsetBy: 3)...]
    return rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? url.endIndex
  }

  private func host(of server: Server) -> String {
    let text = server.authority
    let end = text.hasPrefix("[") ? text.firstIndex(of: "]").map(text.index(after:)) : text.firstIndex(of: ":")
    return String(text[..<(end ?? text.endIndex)])
  }

  private func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { 0x21...0x7E ~= $0 } }

  /// The file wins, and is read anew each time: EKS rotates it.
  private func token() async throws(Failure) -> Secret? {
    guard let path = environment.nonEmpty("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
      return environment.nonEmpty("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret.init)
    }
    guard let token = try await surroundings.files.token(path) else {
      throw failure(
        .blocked, "MissingToken",
        "\(escaped(path.utf8)), which AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names, "
          + "is missing or empty")
    }
    return token
  }
}

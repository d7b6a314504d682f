import Checksums
import HTTPTransport
import SlipwayModel

/// The keys that IAM Identity Center gives for the token that `aws sso login` has left in `~/.aws/sso/cache`. That of a
/// session is renewed when it has expired, and put back where it was for the AWS tools, which do the same (AWS SDKs and
/// Tools Reference Guide, "IAM Identity Center credential provider").
struct SSOCredentials: CredentialSource {
  private let surroundings: CredentialSurroundings
  /// The profile's, as messages say it.
  let name: String
  private let profile: String
  private let values: [String: String]
  private let sections: [String: [String: String]]
  private let memory: SSOTokenMemory

  init(
    _ surroundings: CredentialSurroundings, name: String, profile: String, _ values: [String: String],
    _ sections: [String: [String: String]], _ memory: SSOTokenMemory
  ) {
    self.surroundings = surroundings
    self.name = name
    self.profile = profile
    self.values = values
    self.sections = sections
    self.memory = memory
  }

  /// For one try.
  static let limit = Duration.seconds(10)

  func ask() async throws(Failure) -> CredentialAnswer {
    let login = try login()
    let role = try value("sso_role_name", in: values, "the profile")
    let account = try value("sso_account_id", in: values, "the profile")
    let token = try await token(login)
    let query = CanonicalQuery([("role_name", Array(role.utf8)), ("account_id", Array(account.utf8))])
    let server = try surroundings.server(
      "portal.sso", variable: "AWS_ENDPOINT_URL_SSO", region: login.region, for: name)
    var fields = HTTPFields()
    fields.append("x-amz-sso_bearer_token", token.reveal())
    guard !fields.isMalformed else { throw loginNeeded("the token of its login cannot be sent") }
    let url = server.base + "/federation/credentials?" + String(decoding: query.text, as: UTF8.self)
    return .keys(try keys(try await send(HTTPRequest(.get, url, fields: fields), fetch(from: server))))
  }

  private func fetch(from server: Server) -> CredentialFetch {
    CredentialFetch(surroundings: surroundings, limit: Self.limit, usesProxy: !server.isThisMachine)
  }

  /// What `aws sso login` was told.
  private struct Login {
    let region: String
    /// What the cached token is called by.
    let title: String
    /// The token of a profile without a session comes without what renews it.
    let isSession: Bool
  }

  private func login() throws(Failure) -> Login {
    guard let session = values.nonEmpty("sso_session") else {
      let title = try value("sso_start_url", in: values, "the profile")
      return Login(region: try region(in: values, "the profile"), title: title, isSession: false)
    }
    let place = "[sso-session \(escaped(session.utf8))]"
    guard let section = sections["sso-session \(session)"] else {
      throw failure(.blocked, "InvalidProfile", "there is no section \(place)", remedy: "correct sso_session")
    }
    return Login(region: try region(in: section, place), title: session, isSession: true)
  }

  private func region(in values: [String: String], _ place: String) throws(Failure) -> String {
    let region = try value("sso_region", in: values, place)
    guard isRegionName(region) else {
      throw failure(.blocked, "InvalidRegion", "sso_region cannot be the name of a region", remedy: "correct it")
    }
    return region
  }

  private func value(_ key: String, in values: [String: String], _ place: String) throws(Failure) -> String {
    if let value = values.nonEmpty(key) { return value }
    throw failure(.blocked, "InvalidProfile", "\(key) is missing in \(place)", remedy: "add it")
  }
}

/// The token, and what is given for it.
extension SSOCredentials {
  private func token(_ login: Login) async throws(Failure) -> Secret {
    guard let home = surroundings.environment.nonEmpty("HOME") else {
      throw failure(.blocked, "MissingToken", "HOME is not set, so that the token of its login cannot be found")
    }
    let digest = try MessageDigest.of(Array(login.title.utf8), by: .sha1).hexadecimalText
    let path = "\(home)/.aws/sso/cache/\(String(decoding: digest, as: UTF8.self)).json"
    let token = try await found(path)
    return surroundings.now() < token.expiry ? token.access : try await renewed(token, path, login).access
  }

  private func found(_ path: String) async throws(Failure) -> SSOToken {
    let bytes = try await surroundings.files.read(path, limit: JSONValue.sizeLimit)
    if let token = memory.later(bytes.flatMap { SSOToken($0) }, of: path) { return token }
    throw loginNeeded(bytes == nil ? "nobody has logged in" : "\(escaped(path.utf8)) holds no token")
  }

  /// A new token for one that has expired, by IAM Identity Center's CreateToken.
  private func renewed(_ token: SSOToken, _ path: String, _ login: Login) async throws(Failure) -> SSOToken {
    guard login.isSession, let renewal = token.renewal, surroundings.now() < renewal.end else {
      throw loginNeeded("the token of its login has expired, and is not renewed here")
    }
    let server = try surroundings.server(
      "oidc", variable: "AWS_ENDPOINT_URL_SSO_OIDC", region: login.region, for: name)
    let answer = try await send(Self.request(renewal, server), fetch(from: server))
    if (400...403).contains(answer.status) { return try await another(path, answer) }
    guard answer.status == 200 else { throw refusal(answer) }
    guard let renewed = token.renewed(by: answer.body, at: surroundings.now()) else {
      throw failure(.transient(retryAfter: nil), "InvalidAnswer", "the answer holds no token")
    }
    memory.keep(renewed, of: path)
    // Where the file cannot be written the token lives on in memory; only the AWS tools must log in anew.
    do throws(Failure) { try await surroundings.files.replace(path, with: renewed.document) } catch {}
    return renewed
  }

  private static func request(_ renewal: SSOToken.Renewal, _ server: Server) -> HTTPRequest {
    var fields = HTTPFields()
    fields.append("content-type", "application/json")
    let body = JSONText.object([
      "clientId": JSONText.string(renewal.clientID.reveal()),
      "clientSecret": JSONText.string(renewal.clientSecret.reveal()),
      "grantType": JSONText.string("refresh_token"),
      "refreshToken": JSONText.string(renewal.refreshToken.reveal()),
    ])
    return HTTPRequest(.post, server.base + "/token", fields: fields, body: .bytes(body))
  }

  /// A refresh token is good once: another program may have used it a moment ago, and has left what it was given.
  private func another(_ path: String, _ refusal: HTTPResponse) async throws(Failure) -> SSOToken {
    let token = try await found(path)
    if surroundings.now() < token.expiry { return token }
    let code = ErrorAnswer.token(JSONValue(refusal.body)?.text("error")?.utf8)
    throw loginNeeded(
      "the token of its login has expired, and its renewal was answered \(refusal.status)"
        + (code.isEmpty ? "" : " \(code)"))
  }

  private func loginNeeded(_ cause: String) -> Failure {
    failure(.blocked, "LoginNeeded", cause, remedy: "run aws sso login --profile \(escaped(profile.utf8))")
  }

  private func keys(_ answer: HTTPResponse) throws(Failure) -> TimedCredentials {
    switch answer.status {
    case 200: break
    case 401: throw loginNeeded("the token of its login is not accepted any more")
    case 403, 404:
      throw failure(
        .blocked, "HTTP\(answer.status)", "it answered \(answer.status)",
        remedy: "correct sso_account_id and sso_role_name")
    default: throw refusal(answer)
    }
    guard case .object(let members) = JSONValue(answer.body), let found = members["roleCredentials"],
      let id = found.text("accessKeyId"), let secret = found.text("secretAccessKey"),
      let token = found.text("sessionToken"), let expiry = expiry(found)
    else { throw failure(.transient(retryAfter: nil), "InvalidAnswer", "the answer holds no keys") }
    return TimedCredentials(
      S3Credentials(accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: Secret(token)), expiry: expiry)
  }

  /// In milliseconds.
  private func expiry(_ keys: JSONValue) -> Timestamp? {
    guard case .object(let members) = keys, case .number(let text)? = members["expiration"],
      let milliseconds = Int64(text), 0..<Self.latest ~= milliseconds
    else { return nil }
    return Timestamp(seconds: milliseconds / 1000)
  }

  /// The year 2200, in milliseconds: far below what a `Timestamp` can hold.
  private static let latest: Int64 = 7_258_118_400_000
}

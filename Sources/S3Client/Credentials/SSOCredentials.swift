import Checksums
import HTTPTransport
import SlipwayModel

/// The keys that IAM Identity Center gives for the token that `aws sso login` has left in `~/.aws/sso/cache`. The token
/// is not renewed here, as that would take it from the AWS tools.
struct SSOCredentials: CredentialSource {
  private let surroundings: CredentialSurroundings
  /// The profile's, as messages say it.
  let name: String
  private let profile: String
  private let values: [String: String]
  private let sections: [String: [String: String]]

  init(
    _ surroundings: CredentialSurroundings, name: String, profile: String, _ values: [String: String],
    _ sections: [String: [String: String]]
  ) {
    self.surroundings = surroundings
    self.name = name
    self.profile = profile
    self.values = values
    self.sections = sections
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
    let fetch = CredentialFetch(surroundings: surroundings, limit: Self.limit, usesProxy: !server.isThisMachine)
    return .keys(try keys(try await send(HTTPRequest(.get, url, fields: fields), fetch)))
  }

  /// What `aws sso login` was told.
  private struct Login {
    let region: String
    /// What the cached token is called by.
    let title: String
  }

  private func login() throws(Failure) -> Login {
    guard let session = values.nonEmpty("sso_session") else {
      let title = try value("sso_start_url", in: values, "the profile")
      return Login(region: try region(in: values, "the profile"), title: title)
    }
    let place = "[sso-session \(escaped(session.utf8))]"
    guard let section = sections["sso-session \(session)"] else {
      throw failure(.blocked, "InvalidProfile", "there is no section \(place)", remedy: "correct sso_session")
    }
    return Login(region: try region(in: section, place), title: session)
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
    guard let bytes = try await surroundings.files.read(path, limit: JSONValue.sizeLimit) else {
      throw loginNeeded("nobody has logged in")
    }
    guard let value = JSONValue(bytes), let token = value.text("accessToken"),
      let expiry = value.text("expiresAt").flatMap(Self.date)
    else { throw loginNeeded("\(escaped(path.utf8)) holds no token") }
    guard surroundings.now() < expiry else {
      throw loginNeeded("the token of its login has expired, and is not renewed here")
    }
    return Secret(token)
  }

  /// Early versions of the AWS command line wrote `UTC` for `Z`.
  private static func date(_ text: String) -> Timestamp? {
    Timestamp(expiry: text.hasSuffix("UTC") ? text.dropLast(3) + "Z" : text)
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

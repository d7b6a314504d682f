import Checksums
import HTTPTransport
import SlipwayModel

/// AWS's Security Token Service: keys of a role, for keys or for a token of somebody else's; and whose keys are.
struct TokenService: Sendable {
  private let fetch: CredentialFetch
  /// For messages: the place that asks.
  private let name: String

  /// For one try.
  static let limit = Duration.seconds(10)

  init(_ surroundings: CredentialSurroundings, for name: String) {
    fetch = CredentialFetch(surroundings: surroundings, limit: Self.limit)
    self.name = name
  }

  /// What one request asks for.
  struct Role {
    let arn: String
    /// nil: `slipway`.
    var sessionName: String?
    var externalID: String?
    /// nil: an hour.
    var seconds: String?
  }

  /// The token is all that says who asks; the request is not signed.
  func assume(_ role: Role, token: Secret) async throws(Failure) -> TimedCredentials {
    let body = Self.form("AssumeRoleWithWebIdentity", role, [("WebIdentityToken", Array(token.reveal().utf8))])
    return try credentials(of: answer(await response(to: body) { _, fields throws(Failure) in fields }))
  }

  /// Signed with other keys (Signature Version 4, service `sts`).
  func assume(_ role: Role, by keys: S3Credentials) async throws(Failure) -> TimedCredentials {
    try await credentials(of: send(Self.form("AssumeRole", role, []), signedBy: keys))
  }

  /// The user or the role that keys belong to, with its account; escaped. Needs no permission (AWS STS API Reference,
  /// GetCallerIdentity).
  func callerARN(of keys: S3Credentials) async throws(Failure) -> String {
    let form = CanonicalQuery([("Action", Array("GetCallerIdentity".utf8)), ("Version", Self.version)])
    let (answer, server) = try await send(form.text, signedBy: keys)
    guard let arn = answer.arn else {
      throw failure(.transient(retryAfter: nil), "InvalidAnswer", "\(server.authority) answered 200 without an ARN")
    }
    return arn
  }

  /// Once more by the service's own clock, where it refuses a request and this machine's clock is far from it.
  private func send(_ body: [UInt8], signedBy keys: S3Credentials) async throws(Failure) -> Answer {
    let clock = ServerClock(fetch.surroundings.now)
    let response = try await response(to: body, signedBy: keys, at: clock.local())
    guard response.status == 403, let skew = clock.skew(of: response, from: .zero) else { return try answer(response) }
    return try answer(await self.response(to: body, signedBy: keys, at: clock.local() + skew))
  }

  private func response(
    to body: [UInt8], signedBy keys: S3Credentials, at time: Timestamp
  ) async throws(Failure) -> HTTPResponse {
    let moment = try SigningCache(region: region(), service: "sts").moment(time, keys)
    return try await response(to: body) { host, unsigned throws(Failure) in
      var fields = unsigned
      fields.append("x-amz-date", moment.time)
      if let token = keys.sessionToken { fields.append("x-amz-security-token", token.reveal()) }
      let signable = SignableRequest(
        method: .post, path: [UInt8(ascii: "/")], query: .none, fields: fields, host: host,
        payloadHash: try MessageDigest.of(body, by: .sha256).hexadecimalText)
      fields.append(
        "authorization", try signable.authorization(moment.key, accessKeyID: keys.accessKeyID, time: moment.time))
      return fields
    }
  }

  private static let version = Array("2011-06-15".utf8)

  private static func form(_ action: String, _ role: Role, _ more: [(name: String, value: [UInt8]?)]) -> [UInt8] {
    var parameters: [(name: String, value: [UInt8]?)] = [
      ("Action", Array(action.utf8)), ("Version", version), ("RoleArn", Array(role.arn.utf8)),
      ("RoleSessionName", Array((role.sessionName ?? "slipway").utf8)),
    ]
    if let id = role.externalID { parameters.append(("ExternalId", Array(id.utf8))) }
    if let seconds = role.seconds { parameters.append(("DurationSeconds", Array(seconds.utf8))) }
    return CanonicalQuery(parameters + more).text
  }

  private func response(
    to body: [UInt8], _ sign: (_ host: String, HTTPFields) throws(Failure) -> HTTPFields
  ) async throws(Failure) -> HTTPResponse {
    let server = try server()
    var fields = HTTPFields()
    fields.append("content-type", "application/x-www-form-urlencoded")
    let signed = try sign(server.authority, fields)
    let url = server.base + "/"
    do throws(HTTPTransportError) {
      return try await fetch.send(HTTPRequest(.post, url, fields: signed, body: .bytes(body)))
    } catch {
      throw failure(error.kind, error.code, error.cause, remedy: error.remedy)
    }
  }

  private func answer(_ response: HTTPResponse) throws(Failure) -> Answer {
    let (said, server) = (TokenServiceAnswer(response.body), try server())
    guard response.status == 200 else { throw refusal(response.status, said, server) }
    return (said, server)
  }

  private typealias Answer = (said: TokenServiceAnswer, server: Server)

  private func credentials(of answer: Answer) throws(Failure) -> TimedCredentials {
    guard let keys = answer.said.keys else {
      throw failure(
        .transient(retryAfter: nil), "InvalidAnswer", "\(answer.server.authority) answered 200 without keys")
    }
    return keys
  }

  /// The service's message is not told: it may repeat what was sent.
  private func refusal(_ status: Int, _ said: TokenServiceAnswer, _ server: Server) -> Failure {
    let isPassing = status == 429 || status >= 500 || Self.passing.contains(said.code)
    let code = said.code.isEmpty ? "HTTP\(status)" : said.code
    return failure(
      isPassing ? .transient(retryAfter: nil) : .blocked, code,
      "\(server.authority) answered \(status)" + (said.code.isEmpty ? "" : " \(said.code)"),
      remedy: Self.remedies[code] ?? "")
  }

  private static let passing: Set<String> = ["IDPCommunicationError", "RequestLimitExceeded", "Throttling"]
  private static let remedies = [
    "AccessDenied": "allow it in the role's trust policy, or correct the role",
    "ExpiredToken": "renew the keys that assume the role",
    "ExpiredTokenException": "renew the token's file",
    "InvalidIdentityToken": "correct the token's file, or the identity provider in IAM",
    "RegionDisabledException": "set AWS_REGION to a region that the account uses",
  ]

  private func region() throws(Failure) -> String { try fetch.surroundings.region(or: "us-east-1", for: name) }

  private func server() throws(Failure) -> Server {
    try fetch.surroundings.server("sts", variable: "AWS_ENDPOINT_URL_STS", region: region(), for: name)
  }

  private func failure(_ kind: Failure.Kind, _ code: String, _ cause: String, remedy: String = "") -> Failure {
    Failure(kind, "get credentials from", name, code: code, cause: cause, remedy: remedy)
  }
}

/// What the service's XML says.
private struct TokenServiceAnswer {
  /// Empty if it is no error.
  let code: String
  /// nil if something is missing.
  let keys: TimedCredentials?
  /// Of the caller; escaped. nil if that was not asked.
  let arn: String?

  init(_ body: [UInt8]) {
    let reader = Reader()
    var isWhole = true
    // Of a broken answer the code still counts, the keys do not.
    do throws(AnswerProblem) { try AnswerParser(reader).read(body, isLast: true) } catch { isWhole = false }
    code = ErrorAnswer.token(reader.values["Error/Code"])
    keys = isWhole ? Self.keys(reader.values) : nil
    arn = isWhole ? reader.values["GetCallerIdentityResult/Arn"].map { escaped($0.prefix(Self.arnLimit)) } : nil
  }

  /// In bytes: none is longer (IAM User Guide, "IAM and AWS STS quotas").
  private static let arnLimit = 2048

  private static func keys(_ values: [String: [UInt8]]) -> TimedCredentials? {
    func text(_ name: String) -> String? {
      values["Credentials/\(name)"].flatMap { $0.isEmpty ? nil : String(validating: $0, as: UTF8.self) }
    }
    guard let id = text("AccessKeyId"), let secret = text("SecretAccessKey"), let token = text("SessionToken"),
      let expiry = text("Expiration").flatMap({ Timestamp(expiry: $0) })
    else { return nil }
    return TimedCredentials(
      S3Credentials(accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: Secret(token)), expiry: expiry)
  }

  /// Keeps the elements within these under both names.
  private final class Reader: AnswerHandler {
    private(set) var values: [String: [UInt8]] = [:]
    private var open: [String] = []
    private static let kept: Set = ["Error", "Credentials", "GetCallerIdentityResult"]

    func begin(_ name: String, depth: Int) { open.append(name) }

    func end(_ name: String, text: [UInt8], depth: Int) {
      open.removeLast()
      guard let parent = open.last, Self.kept.contains(parent) else { return }
      values["\(parent)/\(name)"] = text
    }
  }
}

import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

@Suite("Keys of IAM Identity Center")
struct SSOCredentialsTests {
  /// 2026-11-21T03:45:12Z.
  private let now = Timestamp(seconds: 1_795_232_712)
  /// SHA-1 of `corp` and of the start URL.
  private let ofSession = "/h/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
  private let ofURL = "/h/.aws/sso/cache/3947de8b16688092197fa616c34e01335f21d256.json"
  private let session = """
    [profile dev]
    sso_session = corp
    sso_account_id = 123456789012
    sso_role_name = Read+Only
    [sso-session corp]
    sso_region = eu-west-1
    sso_start_url = https://x.awsapps.com/start
    """
  private let answer = """
    {"roleCredentials":{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t","expiration":1795236312000}}
    """
  private let expected = CredentialAnswer.keys(
    TimedCredentials(
      S3Credentials(accessKeyID: "A", secretAccessKey: Secret("s"), sessionToken: Secret("t")),
      expiry: Timestamp(seconds: 1_795_236_312)))

  private func token(until expiry: String = "2026-11-21T03:45:13Z") -> String {
    #"{"startUrl":"https://x.awsapps.com/start","accessToken":"t0k3n","expiresAt":"\#(expiry)"}"#
  }

  private func ask(
    _ config: String, _ files: [String: String], _ transport: ScriptedTransport = ScriptedTransport(),
    _ environment: [String: String] = [:]
  ) async throws -> CredentialAnswer {
    let environment = ["HOME": "/h", "AWS_PROFILE": "dev"].merging(environment) { $1 }
    let files = files.merging(["/h/.aws/config": config]) { $1 }
    return try await ProfileCredentials(surroundings(environment, files, transport, now: now)).ask()
  }

  private func failure(_ code: String, _ cause: String, _ remedy: String) -> Failure {
    Failure(.blocked, "get credentials from", "the profile dev", code: code, cause: cause, remedy: remedy)
  }

  @Test("The session's token is given for the role's keys, in the session's region")
  func ofSessions() async throws {
    let transport = ScriptedTransport(.answer(200, [], answer))
    #expect(try await ask(session, [ofSession: token()], transport) == expected)
    let request = try #require(transport.requests.first)
    #expect(
      request.url == "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials"
        + "?account_id=123456789012&role_name=Read%2BOnly")
    #expect(request.lines == ["x-amz-sso_bearer_token: t0k3n"])
  }

  @Test("A profile without a session has the token under its start URL; the service may be named")
  func legacy() async throws {
    let config = """
      [profile dev]
      sso_start_url = https://x.awsapps.com/start
      sso_region = us-east-1
      sso_account_id = 1
      sso_role_name = r
      """
    let transport = ScriptedTransport(.answer(200, [], answer))
    let found = try await ask(
      config, [ofURL: token(until: "2026-11-21T03:45:13UTC")], transport,
      ["AWS_ENDPOINT_URL_SSO": "http://127.0.0.1:9"])
    #expect(found == expected)
    #expect(transport.requests.first?.url == "http://127.0.0.1:9/federation/credentials?account_id=1&role_name=r")
    #expect(transport.requests.first?.usesProxy == false)
  }

  @Test(
    "Without a token that is good the message says how to get one",
    arguments: [
      (nil, "nobody has logged in"),
      (
        #"{"accessToken":"t0k3n","expiresAt":"2026-11-21T03:45:12Z"}"#,
        "the token of its login has expired, and is not renewed here"
      ),
      (
        #"{"accessToken":"t0k3n"}"#,
        "/h/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json holds no token"
      ),
      (#"{"accessToken":"t0\nk3n","expiresAt":"2027-11-21T03:45:12Z"}"#, "the token of its login cannot be sent"),
    ])
  func loginNeeded(file: String?, cause: String) async {
    var files: [String: String] = [:]
    files[ofSession] = file
    await #expect(throws: failure("LoginNeeded", cause, "run aws sso login --profile dev")) {
      try await ask(session, files)
    }
  }

  @Test("A refusal says what to do")
  func refused() async {
    await #expect(
      throws: failure(
        "LoginNeeded", "the token of its login is not accepted any more", "run aws sso login --profile dev")
    ) { try await ask(session, [ofSession: token()], ScriptedTransport(.answer(401))) }
    await #expect(throws: failure("HTTP403", "it answered 403", "correct sso_account_id and sso_role_name")) {
      try await ask(session, [ofSession: token()], ScriptedTransport(.answer(403)))
    }
  }

  @Test("An answer without keys may be followed by a better one", arguments: ["", "{}", #"{"roleCredentials":{}}"#])
  func unusable(body: String) async {
    await #expect(
      throws: Failure(
        .transient(retryAfter: nil), "get credentials from", "the profile dev", code: "InvalidAnswer",
        cause: "the answer holds no keys")
    ) { try await ask(session, [ofSession: token()], ScriptedTransport(.answer(200, [], body))) }
  }

  @Test("What the profile leaves out is named")
  func incomplete() async {
    await #expect(
      throws: failure("InvalidProfile", "there is no section [sso-session corp]", "correct sso_session")
    ) { try await ask("[profile dev]\nsso_session = corp\n", [:]) }
    await #expect(
      throws: failure("InvalidProfile", "sso_region is missing in [sso-session corp]", "add it")
    ) { try await ask("[profile dev]\nsso_session = corp\n[sso-session corp]\n", [:]) }
    await #expect(throws: failure("InvalidProfile", "sso_role_name is missing in the profile", "add it")) {
      try await ask("[profile dev]\nsso_start_url = u\nsso_region = r\n", [:])
    }
  }
}

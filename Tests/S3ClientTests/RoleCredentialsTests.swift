import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

private func answer(_ action: String) -> Result<HTTPResponse, HTTPTransportError> {
  .answer(
    200, [],
    """
    <\(action)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><\(action)Result><AssumedRoleUser>\
    <Arn>x</Arn></AssumedRoleUser><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
    <SessionToken>t</SessionToken><Expiration>2026-11-21T04:45:12Z</Expiration></Credentials></\(action)Result>\
    </\(action)Response>
    """)
}

private let expected = CredentialAnswer.keys(
  TimedCredentials(
    S3Credentials(accessKeyID: "A", secretAccessKey: Secret("s"), sessionToken: Secret("t")),
    expiry: Timestamp(seconds: 1_795_236_312)))

private func text(_ request: HTTPRequest?) -> String? {
  guard case .bytes(let buffer)? = request?.body else { return nil }
  return String(decoding: buffer.content, as: UTF8.self)
}

@Suite("Roles for a token of web identity")
struct WebIdentityCredentialsTests {
  private let environment = [
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_REGION": "cn-north-1",
  ]

  private func failure(_ kind: Failure.Kind, _ code: String, _ cause: String, _ remedy: String = "") -> Failure {
    Failure(kind, "get credentials from", "web identity", code: code, cause: cause, remedy: remedy)
  }

  private func ask(_ transport: ScriptedTransport, token: String? = "ey.J=\n") async throws -> CredentialAnswer {
    var contents: [String: String] = [:]
    contents["/t"] = token
    return try await WebIdentityCredentials(surroundings(environment, contents, transport)).ask()
  }

  @Test("The token goes to the region's service, in the body and unsigned")
  func request() async throws {
    let transport = ScriptedTransport(answer("AssumeRoleWithWebIdentity"))
    #expect(try await ask(transport) == expected)
    let request = try #require(transport.requests.first)
    #expect(request.url == "https://sts.cn-north-1.amazonaws.com.cn/")
    #expect(request.lines == ["content-type: application/x-www-form-urlencoded"])
    #expect(
      text(request) == "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"
        + "&RoleSessionName=slipway&Version=2011-06-15&WebIdentityToken=ey.J%3D")
  }

  @Test("What is not set is named")
  func lacking() async throws {
    let none = try await WebIdentityCredentials(surroundings()).ask()
    #expect(none == .lacking("AWS_WEB_IDENTITY_TOKEN_FILE is not set"))
    let half = try await WebIdentityCredentials(surroundings(["AWS_WEB_IDENTITY_TOKEN_FILE": "/t"])).ask()
    #expect(half == .lacking("AWS_ROLE_ARN is not set"))
    await #expect(throws: failure(.blocked, "MissingToken", "the token's file /t is missing or empty")) {
      try await ask(ScriptedTransport(), token: " \n")
    }
  }

  @Test("A refusal says its code and what to do, but not its message, which may repeat the token")
  func refused() async {
    let body = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>ey.J=</Message></Error></ErrorResponse>"
    await #expect(
      throws: failure(
        .blocked, "InvalidIdentityToken", "sts.cn-north-1.amazonaws.com.cn answered 400 InvalidIdentityToken",
        "correct the token's file, or the identity provider in IAM")
    ) { try await ask(ScriptedTransport(.answer(400, [], body))) }
  }

  @Test("A 200 without keys, or one that is cut off, is no answer", arguments: ["", "<a/>", "<a><Credentials>"])
  func unusable(body: String) async {
    await #expect(
      throws: failure(
        .transient(retryAfter: nil), "InvalidAnswer", "sts.cn-north-1.amazonaws.com.cn answered 200 without keys")
    ) { try await ask(ScriptedTransport(.answer(200, [], body))) }
  }
}

@Suite("Roles of profiles")
struct RoleCredentialsTests {
  private func ask(
    _ config: String, _ transport: ScriptedTransport = ScriptedTransport(), _ more: [String: String] = [:]
  ) async throws -> CredentialAnswer {
    let environment = ["HOME": "/h", "AWS_PROFILE": "ci", "AWS_REGION": "eu-west-1"].merging(more) { $1 }
    return try await ProfileCredentials(surroundings(environment, ["/h/.aws/config": config, "/t": "T"], transport))
      .ask()
  }

  private func failure(_ code: String, _ cause: String, _ remedy: String = "") -> Failure {
    Failure(.blocked, "get credentials from", "the profile ci", code: code, cause: cause, remedy: remedy)
  }

  private static let role = "[profile ci]\nrole_arn = arn:aws:iam::1:role/r\n"
  private static let base = "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = base\n"

  @Test("The source profile's keys sign the request")
  func sourceProfile() async throws {
    let transport = ScriptedTransport(answer("AssumeRole"))
    let config =
      Self.role + "source_profile = base\nexternal_id = x y\nrole_session_name = me\nduration_seconds = 900\n"
      + Self.base
    #expect(try await ask(config, transport) == expected)
    let request = try #require(transport.requests.first)
    #expect(request.url == "https://sts.eu-west-1.amazonaws.com/")
    #expect(
      text(request) == "Action=AssumeRole&DurationSeconds=900&ExternalId=x%20y"
        + "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me&Version=2011-06-15")
    // Computed by another program from the documentation's four steps.
    #expect(
      request.value("authorization")
        == "AWS4-HMAC-SHA256 Credential=BASE/20261121/eu-west-1/sts/aws4_request,"
        + "SignedHeaders=content-type;host;x-amz-date,"
        + "Signature=5283498226e932d2753be9e1d468e80f6754e2867581687c4d848788a6001dee")
  }

  @Test("fault 30: by a clock that is off the request is signed once more, by the service's", arguments: [200, 403])
  func skewed(status: Int) async throws {
    // Twenty minutes ahead of the test's clock.
    let date = "Date: Sat, 21 Nov 2026 04:05:12 GMT"
    let transport = ScriptedTransport(.answer(403, [date]), status == 200 ? answer("AssumeRole") : .answer(403, [date]))
    let result = await Task { try await ask(Self.role + "source_profile = base\n" + Self.base, transport) }.result
    #expect(transport.requests.map { $0.value("x-amz-date") } == ["20261121T034512Z", "20261121T040512Z"])
    if status == 200 {
      #expect(try result.get() == expected)
    } else {
      let error = #expect(throws: Failure.self) { try result.get() }
      #expect(error?.kind == .blocked)
    }
  }

  @Test("A refusal of another kind, or by a clock that agrees, is the end", arguments: [400, 403])
  func refused(status: Int) async throws {
    let date = status == 400 ? "Date: Sat, 21 Nov 2026 04:05:12 GMT" : "Date: Sat, 21 Nov 2026 03:49:00 GMT"
    let transport = ScriptedTransport(.answer(status, [date]))
    await #expect(throws: failure("HTTP\(status)", "sts.eu-west-1.amazonaws.com answered \(status)")) {
      try await ask(Self.role + "source_profile = base\n" + Self.base, transport)
    }
    #expect(transport.requests.count == 1)
  }

  @Test("A role may be assumed by a role, and a profile by its own keys")
  func nested() async throws {
    let transport = ScriptedTransport(answer("AssumeRole"), answer("AssumeRole"))
    let config = Self.role + "source_profile = mid\n[profile mid]\nrole_arn = m\nsource_profile = mid\n"
    let keys = "aws_access_key_id = BASE\naws_secret_access_key = base\n"
    #expect(try await ask(config + keys, transport) == expected)
    #expect(transport.requests.count == 2)
    #expect(transport.requests[1].value("authorization")?.contains("Credential=A/") == true)
    #expect(transport.requests[1].value("x-amz-security-token") == "t")
  }

  @Test("A loop is told and nothing is sent")
  func loop() async {
    let transport = ScriptedTransport()
    let config = Self.role + "source_profile = mid\n[profile mid]\nrole_arn = m\nsource_profile = ci\n"
    await #expect(
      throws: failure("ProfileLoop", "source_profile leads from ci back to itself", "correct source_profile")
    ) { try await ask(config, transport) }
    await #expect(
      throws: failure("ProfileLoop", "source_profile leads from ci back to itself", "correct source_profile")
    ) { try await ask(Self.role + "source_profile = ci\n", transport) }
    #expect(transport.requests.isEmpty)
  }

  @Test("The environment's keys may assume the role")
  func environment() async throws {
    let transport = ScriptedTransport(answer("AssumeRole"))
    let keys = ["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "e"]
    #expect(try await ask(Self.role + "credential_source = Environment\n", transport, keys) == expected)
    #expect(transport.requests.first?.value("authorization")?.contains("Credential=ENV/") == true)
    await #expect(
      throws: failure(
        "MissingCredentials", "the role needs keys of the environment, but AWS_ACCESS_KEY_ID is not set")
    ) { try await ask(Self.role + "credential_source = Environment\n") }
  }

  @Test("A profile may name a token's file")
  func webIdentity() async throws {
    let transport = ScriptedTransport(answer("AssumeRoleWithWebIdentity"))
    #expect(try await ask(Self.role + "web_identity_token_file = /t\n", transport) == expected)
    #expect(text(transport.requests.first)?.hasSuffix("&WebIdentityToken=T") == true)
  }

  @Test(
    "A role that nobody can assume is told",
    arguments: [
      ("", "InvalidProfile", "role_arn needs source_profile or credential_source"),
      (
        "credential_source = Moon\n", "InvalidProfile",
        "credential_source is none of Environment, EcsContainer and Ec2InstanceMetadata"
      ),
      ("mfa_serial = x\n", "UnsupportedProfile", "mfa_serial needs somebody who types a code"),
    ])
  func impossible(line: String, code: String, cause: String) async {
    await #expect(throws: failure(code, cause)) { try await ask(Self.role + line) }
  }

  @Test("Keys do not go to another machine over plain http")
  func insecure() async {
    let transport = ScriptedTransport()
    await #expect(
      throws: failure(
        "InsecureEndpoint", "plain http to another machine (10.0.0.1) shows keys to the network",
        "use https in AWS_ENDPOINT_URL_STS")
    ) {
      try await ask(
        Self.role + "source_profile = base\n" + Self.base, transport, ["AWS_ENDPOINT_URL_STS": "http://10.0.0.1"])
    }
    #expect(transport.requests.isEmpty)
  }
}

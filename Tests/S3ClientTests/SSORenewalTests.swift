import Glibc
import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite("A token of IAM Identity Center that has expired")
struct SSORenewalTests {
  /// 2026-11-21T03:45:12Z.
  private let now = Timestamp(seconds: 1_795_232_712)
  /// SHA-1 of `corp`.
  private let path = "/h/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
  private let config = """
    [profile dev]
    sso_session = corp
    sso_account_id = 1
    sso_role_name = r
    [sso-session corp]
    sso_region = eu-west-1
    sso_start_url = https://x.awsapps.com/start
    """
  private let keys = Result<HTTPResponse, HTTPTransportError>.answer(
    200, [],
    #"{"roleCredentials":{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t","expiration":1795236312000}}"#)
  private let renewal = Result<HTTPResponse, HTTPTransportError>.answer(
    200, [], #"{"accessToken":"n3w","expiresIn":3600,"refreshToken":"r3fresh2","tokenType":"Bearer"}"#)

  private func cached(
    _ token: String = "old", until expiry: String = "2026-11-21T03:45:12Z", refresh: String? = "r3fresh1",
    registered: String = "2026-11-21T03:45:13Z"
  ) -> String {
    let refresh = refresh.map { #","refreshToken":"\#($0)""# } ?? ""
    return #"{"startUrl":"https://x.awsapps.com/start","region":"eu-west-1","accessToken":"\#(token)","#
      + #""expiresAt":"\#(expiry)","clientId":"cl1ent","clientSecret":"cl1ent-s3cret","#
      + #""registrationExpiresAt":"\#(registered)"\#(refresh)}"#
  }

  private func source(
    _ files: CredentialFiles, _ transport: any HTTPSender, _ environment: [String: String] = [:]
  ) -> ProfileCredentials {
    var around = surroundings(
      ["HOME": "/h", "AWS_PROFILE": "dev"].merging(environment) { $1 }, [:], transport, now: now)
    around.files = files
    return ProfileCredentials(around)
  }

  private func kept(_ token: String?) -> KeptFiles {
    var contents = ["/h/.aws/config": config]
    contents[path] = token
    return KeptFiles(contents)
  }

  private func loginNeeded(_ cause: String) -> Failure {
    Failure(
      .blocked, "get credentials from", "the profile dev", code: "LoginNeeded", cause: cause,
      remedy: "run aws sso login --profile dev")
  }

  private func text(_ body: HTTPBody?) -> String? {
    guard case .bytes(let bytes)? = body else { return nil }
    return String(decoding: bytes.content, as: UTF8.self)
  }

  @Test("It is renewed by its refresh token, used, and put back with all else that lay there")
  func renewed() async throws {
    let files = kept(cached())
    let transport = ScriptedTransport(renewal, keys)
    guard case .keys(let found) = try await source(files.files, transport).ask() else { throw Unexpected() }
    #expect(found.keys.accessKeyID == "A")
    let request = try #require(transport.requests.first)
    #expect(request.method == .post)
    #expect(request.url == "https://oidc.eu-west-1.amazonaws.com/token")
    #expect(request.lines == ["content-type: application/json"])
    #expect(
      text(request.body) == #"{"clientId":"cl1ent","clientSecret":"cl1ent-s3cret","grantType":"refresh_token","#
        + #""refreshToken":"r3fresh1"}"#)
    #expect(transport.requests.last?.value("x-amz-sso_bearer_token") == "n3w")
    #expect(
      files[path] == #"{"accessToken":"n3w","clientId":"cl1ent","clientSecret":"cl1ent-s3cret","#
        + #""expiresAt":"2026-11-21T04:45:12Z","refreshToken":"r3fresh2","region":"eu-west-1","#
        + #""registrationExpiresAt":"2026-11-21T03:45:13Z","startUrl":"https://x.awsapps.com/start"}"#)
  }

  @Test("It is renewed once, also where its file cannot be written; a later login wins")
  func memory() async throws {
    let files = kept(cached())
    let transport = ScriptedTransport(renewal, keys, keys, keys)
    let source = source(
      CredentialFiles { path, limit throws(Failure) in try files.files.contents(path, limit) }, transport)
    for _ in 0..<2 { _ = try await source.ask() }
    #expect(files[path] == cached())
    files[path] = cached("login", until: "2026-11-22T00:00:00Z")
    _ = try await source.ask()
    #expect(transport.requests.map(\.method) == [.post, .get, .get, .get])
    #expect(transport.requests.dropFirst().map { $0.value("x-amz-sso_bearer_token") } == ["n3w", "n3w", "login"])
  }

  @Test("An answer without a refresh token leaves the one that is there")
  func sameRefreshToken() async throws {
    let files = kept(cached())
    let answer = Result<HTTPResponse, HTTPTransportError>.answer(200, [], #"{"accessToken":"n3w","expiresIn":60}"#)
    _ = try await source(files.files, ScriptedTransport(answer, keys)).ask()
    #expect(files[path]?.contains(#""refreshToken":"r3fresh1""#) == true)
    #expect(files[path]?.contains(#""expiresAt":"2026-11-21T03:46:12Z""#) == true)
  }

  @Test(
    "Without a refresh token, or after the registration's end, the message says how to get another",
    arguments: [true, false])
  func notRenewable(hasToken: Bool) async {
    let cached = hasToken ? cached(registered: "2026-11-21T03:45:12Z") : cached(refresh: nil)
    let transport = ScriptedTransport()
    await #expect(throws: loginNeeded("the token of its login has expired, and is not renewed here")) {
      try await source(kept(cached).files, transport).ask()
    }
    #expect(transport.requests.isEmpty)
  }

  @Test("One that is good is not renewed")
  func good() async throws {
    let transport = ScriptedTransport(keys)
    _ = try await source(kept(cached(until: "2026-11-21T03:45:13Z")).files, transport).ask()
    #expect(transport.requests.map(\.method) == [.get])
  }

  @Test("A refused renewal is told by its code, and shows nothing of what was sent or answered")
  func refused() async {
    let refusal = Result<HTTPResponse, HTTPTransportError>.answer(
      400, [], #"{"error":"invalid_grant","error_description":"r3fresh1 is not good"}"#)
    await #expect(
      throws: loginNeeded("the token of its login has expired, and its renewal was answered 400 invalid_grant")
    ) { try await source(kept(cached()).files, ScriptedTransport(refusal)).ask() }
    await #expect(throws: loginNeeded("the token of its login has expired, and its renewal was answered 401")) {
      try await source(kept(cached()).files, ScriptedTransport(.answer(401, [], "<html>"))).ask()
    }
  }

  @Test("Where another program was quicker, its token is used")
  func another() async throws {
    let files = kept(cached())
    let theirs = cached("theirs", until: "2026-11-21T04:00:00Z")
    let path = path
    let keys = keys
    let transport = AnsweringTransport { request, _ in
      if request.method != .post { return keys }
      files[path] = theirs
      return .answer(400, [], #"{"error":"invalid_grant"}"#)
    }
    _ = try await source(files.files, transport).ask()
    #expect(transport.requests.last?.value("x-amz-sso_bearer_token") == "theirs")
    #expect(files[path] == theirs)
  }

  @Test(
    "A service that is busy, or says nothing of use, may do better the next time",
    arguments: [(500, "", "HTTP500"), (200, "", "InvalidAnswer"), (200, #"{"accessToken":"n3w"}"#, "InvalidAnswer")])
  func passing(status: Int, body: String, code: String) async {
    let answer = Result<HTTPResponse, HTTPTransportError>.answer(status, [], body)
    let files = kept(cached())
    let error = await #expect(throws: Failure.self) {
      try await source(files.files, ScriptedTransport(answer, answer, answer)).ask()
    }
    #expect(error?.code == code)
    #expect(error?.kind == .transient(retryAfter: nil))
    #expect(files[path] == cached())
  }

  @Test("The service may be named, and not over plain http to another machine")
  func endpoint() async throws {
    let transport = ScriptedTransport(renewal, keys)
    _ = try await source(
      kept(cached()).files, transport,
      ["AWS_ENDPOINT_URL_SSO_OIDC": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_SSO": "http://127.0.0.1:8"]
    ).ask()
    #expect(transport.requests.first?.url == "http://127.0.0.1:9/token")
    #expect(transport.requests.first?.usesProxy == false)
    let error = await #expect(throws: Failure.self) {
      try await source(
        kept(cached()).files, ScriptedTransport(), ["AWS_ENDPOINT_URL_SSO_OIDC": "http://192.0.2.1"]
      ).ask()
    }
    #expect(error?.code == "InsecureEndpoint")
  }

  @Test("On this machine the file is replaced whole, for its owner alone, and nothing is left beside it")
  func replacement() async throws {
    let directory = try TemporaryDirectory()
    let file = try directory.write("old and longer", to: "cache.json")
    try #require(chmod(file.description, 0o644) == 0)
    try await CredentialFiles.local.replace(file.description, with: Array("new".utf8))
    #expect(try directory.read("cache.json") == Array("new".utf8))
    #expect(try directory.list() == [BytePath("cache.json")])
    var status = stat()
    try #require(stat(file.description, &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o600)
    let absent = directory.path("absent/cache.json").description
    await #expect(
      throws: Failure(.blocked, "replace", absent, code: "UnwritableFile", cause: "No such file or directory")
    ) { try await CredentialFiles.local.replace(absent, with: []) }
  }

  private struct Unexpected: Error {}
}

import SlipwayModel
import Testing

@testable import S3Client

@Suite("Profiles of ~/.aws")
struct ProfileTests {
  static let home = ["HOME": "/h"]

  private func ask(
    _ environment: [String: String] = home, config: String? = nil, credentials: String? = nil
  ) async throws -> CredentialAnswer {
    var contents: [String: String] = [:]
    contents["/h/.aws/config"] = config
    contents["/h/.aws/credentials"] = credentials
    return try await ProfileCredentials(surroundings(environment, contents)).ask()
  }

  private func fixed(_ id: String, _ secret: String, _ token: String? = nil) -> CredentialAnswer {
    .keys(
      TimedCredentials(
        S3Credentials(accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: token.map(Secret.init))))
  }

  private func failure(_ name: String, _ code: String, _ cause: String, _ remedy: String) -> Failure {
    Failure(.blocked, "get credentials from", "the profile \(name)", code: code, cause: cause, remedy: remedy)
  }

  @Test("Keys of the default profile, with comments, capitals and odd spaces")
  func defaultProfile() async throws {
    let text = "# c\n; d\n\n[default] ; here\r\nAWS_ACCESS_KEY_ID=A\n aws_secret_access_key = a#b;c= # not this\n"
    // The second line is indented and so belongs to the first one.
    let nested = try ProfileFile(Array(text.utf8), .credentials).profiles["default"]
    #expect(nested == ["aws_access_key_id": "A\naws_secret_access_key = a#b;c= # not this"])
    let found = try await ask(
      credentials: "[default]\naws_access_key_id=A\naws_secret_access_key \t= a#b;c= # not this\naws_session_token=\n")
    #expect(found == fixed("A", "a#b;c="))
  }

  @Test("AWS_PROFILE chooses, the credentials file wins, and no token is mixed in from the other file")
  func named() async throws {
    let environment = ["HOME": "/h", "AWS_PROFILE": "ci"]
    let config = "[profile ci]\naws_access_key_id=C\naws_secret_access_key=c\naws_session_token=t\n[ci]\nregion=x\n"
    #expect(try await ask(environment, config: config) == fixed("C", "c", "t"))
    let found = try await ask(
      environment, config: config, credentials: "[ci]\naws_access_key_id=D\naws_secret_access_key=d\n")
    #expect(found == fixed("D", "d"))
  }

  @Test("The files' own variables name other files")
  func paths() async throws {
    let environment = ["HOME": "/h", "AWS_SHARED_CREDENTIALS_FILE": "~/c", "AWS_CONFIG_FILE": "/k"]
    let contents = ["/h/c": "[default]\naws_access_key_id=A\naws_secret_access_key=a\n"]
    #expect(try await ProfileCredentials(surroundings(environment, contents)).ask() == fixed("A", "a"))
  }

  @Test("A missing file is no error, a missing profile that was named is one")
  func missing() async throws {
    #expect(try await ask() == .lacking("it is not in /h/.aws/credentials or /h/.aws/config"))
    #expect(try await ask([:]) == .lacking("it is not in any file, as HOME is not set"))
    await #expect(
      throws: failure(
        "ci", "MissingProfile", "there is no profile ci in /h/.aws/credentials or /h/.aws/config",
        "add it, or correct AWS_PROFILE")
    ) { try await ask(["HOME": "/h", "AWS_PROFILE": "ci"], credentials: "[default]\n") }
  }

  @Test("A profile without keys lacks them, one with half of them is an error")
  func half() async throws {
    #expect(try await ask(config: "[default]\nregion = r\n") == .lacking("it names no keys"))
    await #expect(
      throws: failure(
        "default", "PartialCredentials", "aws_secret_access_key is missing", "add it to the profile")
    ) { try await ask(credentials: "[default]\naws_access_key_id = A\n") }
  }

  @Test(
    "A line that is nothing is told by its number and never shown",
    arguments: [
      ("[default]\nwJalrXUtn\n", 2), ("key = 1\n", 1), ("[default\n", 1), ("[d] x\n", 1), ("[a]\n\n= x\n", 3),
    ])
  func broken(text: String, line: Int) async {
    await #expect(
      throws: Failure(
        .blocked, "read", "/h/.aws/credentials", code: "BrokenProfileFile",
        cause: "line \(line) is neither a section nor a property", remedy: "correct it")
    ) { try await ask(credentials: text) }
  }

  @Test("Sections of the config file: quoted names, nested values, strangers, and [profile default] before [default]")
  func sections() throws {
    let text = """
      [profile "a b"]
      region = r
      s3 =
        region = nested
        max = 1
      [sso-session x]
      region = stranger
      [default]
      region = one
      [profile default]
      output = json
      [default]
      region = two
      """
    let profiles = try ProfileFile(Array(text.utf8), .config).profiles
    #expect(
      profiles == [
        "a b": ["region": "r", "s3": "\nregion = nested\nmax = 1"], "default": ["output": "json"],
      ])
  }

  @Test("The profile's region counts where no variable names one")
  func region() throws {
    let files = files(["/h/.aws/config": "[default]\nregion = eu-west-1\n[profile ci]\nregion = us-west-2\n"])
    #expect(configuredEnvironment(Self.home, files)["AWS_REGION"] == "eu-west-1")
    #expect(configuredEnvironment(["HOME": "/h", "AWS_PROFILE": "ci"], files)["AWS_REGION"] == "us-west-2")
    #expect(configuredEnvironment(["HOME": "/h", "AWS_DEFAULT_REGION": "x"], files)["AWS_REGION"] == nil)
    let client = try S3Client(
      S3Destination(bucket: "b"), environment: Self.home, transport: ScriptedTransport(),
      now: { Timestamp(seconds: 0) }, files: files)
    #expect(client.endpoint.region == "eu-west-1")
  }
}

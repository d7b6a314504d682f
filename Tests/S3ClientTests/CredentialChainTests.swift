import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite("The chain of credentials")
struct CredentialChainTests {
  static let remedy =
    "set credentials: {access_key_id: …, secret_access_key: …} at the destination, "
    + "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
  static let broken = Failure(.blocked, "get credentials from", "b", code: "Broken", cause: "it is broken")

  @Test("The first place that gives keys is the last one asked, and both are remembered")
  func order() async throws {
    let last = ScriptedSource(name: "c", .gives("C"))
    let chain = CredentialChain(
      [ScriptedSource(name: "a", .lacks("nothing here")), ScriptedSource(name: "b", .gives("B")), last],
      subject: "s3://b")
    #expect(try await chain.fetch().keys == keys("B"))
    #expect(last.count == 0)
    #expect(chain.report == .init(answered: "b", lacks: [.init(source: "a", reason: "nothing here")]))
  }

  @Test("A place that is set up and fails ends the chain: the next one would be somebody else")
  func failing() async throws {
    let last = ScriptedSource(name: "c", .gives("C"))
    let chain = CredentialChain([ScriptedSource(name: "b", .failure(Self.broken)), last], subject: "s3://b")
    await #expect(throws: Self.broken) { try await chain.fetch() }
    #expect(last.count == 0)
    #expect(chain.report == .init(answered: nil, lacks: [.init(source: "b", reason: "it is broken")]))
  }

  @Test("Without keys the message says what each place lacks and how to give them")
  func nothing() async {
    let chain = CredentialChain(
      [ScriptedSource(name: "a", .lacks("no x")), ScriptedSource(name: "b", .lacks("no y"))], subject: "s3://b")
    await #expect(
      throws: Failure(
        .blocked, "sign requests for", "s3://b", code: "MissingCredentials",
        cause: "there are no credentials (a: no x; b: no y)", remedy: Self.remedy)
    ) { try await chain.fetch() }
  }

  @Test("Where keys came from once, their lack passes")
  func passing() async throws {
    let chain = CredentialChain([ScriptedSource(name: "a", .gives("A"))], subject: "s3://b")
    _ = try await chain.fetch()
    let failure = await #expect(throws: Failure.self) { try await chain.fetch() }
    #expect(failure?.kind == .transient(retryAfter: nil))
  }

  @Test("The destination's keys win over the environment's, and an empty session token is none")
  func explicit() async throws {
    var settings = S3Destination(bucket: "b")
    let around = surroundings([
      "AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "",
    ])
    let fromEnvironment = try await ResolvedCredentials(settings, around).provider.credentials()
    #expect(fromEnvironment == S3Credentials(accessKeyID: "env", secretAccessKey: Secret("s"), sessionToken: nil))
    settings.credentials = .init(accessKeyID: "file", secretAccessKey: Secret("t"), sessionToken: Secret(""))
    let fromFile = try await ResolvedCredentials(settings, around).provider.credentials()
    #expect(fromFile == S3Credentials(accessKeyID: "file", secretAccessKey: Secret("t"), sessionToken: nil))
  }

  @Test("An environment without keys lacks them, one with half of them is an error")
  func half() async throws {
    let none = try await EnvironmentCredentials([:]).ask()
    #expect(none == .lacking("AWS_ACCESS_KEY_ID is not set"))
    await #expect(
      throws: Failure(
        .blocked, "get credentials from", "the environment", code: "PartialCredentials",
        cause: "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not", remedy: "set both or none")
    ) { try await EnvironmentCredentials(["AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": ""]).ask() }
  }

  @Test("A file is read whole up to the limit; a missing one is none; a directory is refused")
  func localFiles() async throws {
    let directory = try TemporaryDirectory()
    let path = String(decoding: try directory.write(" abc\n", to: "token").bytes, as: UTF8.self)
    let above = String(decoding: directory.path.bytes, as: UTF8.self)
    #expect(try await CredentialFiles.local.read(path, limit: 5) == Array(" abc\n".utf8))
    #expect(try await CredentialFiles.local.token(path) == Secret("abc"))
    #expect(try await CredentialFiles.local.read(path + "x", limit: 5) == nil)
    await #expect(
      throws: Failure(.blocked, "read", path, code: "UnreadableFile", cause: "it has more than 4 bytes")
    ) { try await CredentialFiles.local.read(path, limit: 4) }
    await #expect(
      throws: Failure(
        .blocked, "read", above, code: "UnreadableFile", cause: "it is not a regular file")
    ) { try await CredentialFiles.local.read(above, limit: 4) }
  }
}

import SlipwayModel
import Testing

@testable import S3Client

@Suite("A profile that the destination names")
struct DestinationProfileTests {
  private let config = """
    [default]
    region = us-east-1
    [profile ci]
    region = eu-west-1
    endpoint_url = https://general.example
    services = mine
    aws_access_key_id = C
    aws_secret_access_key = c
    [profile empty]
    region = eu-west-1
    [services mine]
    s3 =
      endpoint_url = https://s3.example
    """
  private let environment = [
    "HOME": "/h", "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e", "AWS_REGION": "ap-south-1",
  ]

  private func client(_ profile: String?, _ more: [String: String] = [:]) throws -> S3Client {
    var settings = S3Destination(bucket: "b")
    settings.profile = profile
    return try S3Client(
      settings, environment: environment.merging(more) { $1 }, transport: ScriptedTransport(),
      now: { Timestamp(seconds: 0) }, files: files(["/h/.aws/config": config]))
  }

  private func resolved(_ profile: String?) -> ResolvedCredentials {
    var settings = S3Destination(bucket: "b")
    settings.profile = profile
    return ResolvedCredentials(settings, surroundings(environment, ["/h/.aws/config": config]))
  }

  @Test("Its keys count and no others, whatever the environment holds")
  func keys() async throws {
    #expect(try await resolved(nil).provider.credentials().accessKeyID == "E")
    #expect(try await resolved("ci").provider.credentials().accessKeyID == "C")
    await #expect(
      throws: Failure(
        .blocked, "sign requests for", "s3://b", code: "MissingCredentials",
        cause: "there are no credentials (the profile empty: it names no keys)",
        remedy: "name keys in the profile, or correct credentials: {profile: …} at the destination")
    ) { try await resolved("empty").provider.credentials() }
    await #expect(
      throws: Failure(
        .blocked, "get credentials from", "the profile other", code: "MissingProfile",
        cause: "there is no profile other in /h/.aws/credentials or /h/.aws/config",
        remedy: "add it, or correct profile at the destination")
    ) { try await resolved("other").provider.credentials() }
  }

  @Test("Its region wins over the environment's, its servers do not")
  func region() throws {
    #expect(try client(nil).endpoint.region == "ap-south-1")
    let endpoint = try client("ci").endpoint
    #expect(endpoint.region == "eu-west-1")
    #expect(endpoint.url(of: ObjectKey("k")) == "https://s3.example/b/k")
    let other = try client("ci", ["AWS_ENDPOINT_URL": "https://env.example"]).endpoint
    #expect(other.url(of: ObjectKey("k")) == "https://env.example/b/k")
    let aws = try client("ci", ["AWS_ENDPOINT_URL_S3": "https://x", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"])
    #expect(aws.endpoint.url(of: ObjectKey("k")) == "https://s3.eu-west-1.amazonaws.com/b/k")
  }

  @Test("The addresses of all services that are asked come from variables first, then from the profile")
  func services() {
    let found = configuredEnvironment(
      ["HOME": "/h", "AWS_ENDPOINT_URL_STS": "https://sts.example"], profile: "ci",
      files(["/h/.aws/config": config]))
    #expect(found["AWS_ENDPOINT_URL_S3"] == "https://s3.example")
    #expect(found["AWS_ENDPOINT_URL_STS"] == "https://sts.example")
    #expect(found["AWS_ENDPOINT_URL_SSO"] == "https://general.example")
    let ignoring = config.replacing("services = mine", with: "ignore_configured_endpoint_urls = TRUE")
    let none = configuredEnvironment(["HOME": "/h"], profile: "ci", files(["/h/.aws/config": ignoring]))
    #expect(none["AWS_ENDPOINT_URL_S3"] == nil)
  }

  @Test("A client tells where its keys come from, and why not from the places before")
  func report() async throws {
    #expect(await resolved("ci").report() == .init(answered: "the profile ci"))
    let failed = await resolved("other").report()
    #expect(failed.answered == nil)
    #expect(
      failed.lacksText
        == "the profile other: there is no profile other in /h/.aws/credentials or /h/.aws/config")
    let fallen = try client(nil, ["AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "ci"])
    #expect(
      await fallen.credentialReport()
        == .init(
          answered: "the profile ci",
          lacks: [.init(source: "the environment", reason: "AWS_ACCESS_KEY_ID is not set")]))
    var settings = S3Destination(bucket: "b")
    settings.credentials = .init(accessKeyID: "A", secretAccessKey: Secret("s"), sessionToken: nil)
    #expect(await ResolvedCredentials(settings, surroundings()).report() == .init(answered: "the destination"))
  }
}

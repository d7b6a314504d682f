import HTTPTransport
import SlipwayModel
import Testing

@testable import S3Client

/// Never answers; ends when whoever waits gives up.
struct SilentTransport: HTTPSender {
  func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    do { try await Task.sleep(for: .seconds(3600)) } catch {}
    throw HTTPTransportError(.cancelled)
  }
}

private let answer =
  #"{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-21T03:45:12Z"}"#
private let expected = CredentialAnswer.keys(
  TimedCredentials(
    S3Credentials(accessKeyID: "A", secretAccessKey: Secret("s"), sessionToken: Secret("t")),
    expiry: Timestamp(seconds: 1_795_232_712)))

@Suite("Credentials of a container")
struct ContainerCredentialsTests {
  private let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
  private let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
  private let tokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

  private func failure(_ kind: Failure.Kind, _ code: String, _ cause: String, _ remedy: String = "") -> Failure {
    Failure(kind, "get credentials from", "the container's agent", code: code, cause: cause, remedy: remedy)
  }

  @Test("The relative address is one of the agent of ECS, and the token stands in the request")
  func relativeAddress() async throws {
    let transport = ScriptedTransport(.answer(200, [], answer))
    let source = ContainerCredentials(
      surroundings([relative: "/v2/x?y=1", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic q"], [:], transport))
    #expect(try await source.ask() == expected)
    let request = try #require(transport.requests.first)
    #expect(request.method == .get)
    #expect(request.url == "http://169.254.170.2/v2/x?y=1")
    #expect(request.value("authorization") == "Basic q")
    #expect(request.timeLimits?.connect == .seconds(5))
  }

  @Test("The token's file wins over the token, and a missing one is an error")
  func tokenFiles() async throws {
    let environment = [full: "http://169.254.170.23/x", tokenFile: "/t", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "old"]
    let transport = ScriptedTransport(.answer(200, [], answer))
    #expect(try await ContainerCredentials(surroundings(environment, ["/t": "new\n"], transport)).ask() == expected)
    #expect(transport.requests.first?.value("authorization") == "new")
    await #expect(
      throws: failure(.blocked, "MissingToken", "/t, which \(tokenFile) names, is missing or empty")
    ) { try await ContainerCredentials(surroundings(environment, [:], transport)).ask() }
  }

  @Test("A token of two lines is not sent")
  func brokenToken() async {
    let transport = ScriptedTransport()
    let source = ContainerCredentials(
      surroundings([relative: "/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nb: c"], [:], transport))
    await #expect(
      throws: failure(.blocked, "InvalidToken", "the authorization token cannot stand in a header field")
    ) { try await source.ask() }
    #expect(transport.requests.isEmpty)
  }

  @Test(
    "Any server over https, and the machine's own over http",
    arguments: [
      "https://example.com/x", "http://127.0.0.1:80/x", "http://127.8.9.1/x", "http://localhost:8/x", "http://[::1]/x",
      "http://169.254.170.2/x", "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]:80/x",
    ])
  func allowed(url: String) async throws {
    let transport = ScriptedTransport(.answer(200, [], answer))
    #expect(try await ContainerCredentials(surroundings([full: url], [:], transport)).ask() == expected)
    #expect(transport.requests.map(\.url) == [url])
    #expect(transport.requests.map(\.usesProxy) == [url.hasPrefix("https")])
  }

  @Test(
    "No other server over http, and nothing that looks like another one",
    arguments: [
      "http://example.com/x", "http://169.254.170.3/x", "http://169.254.170.2.example.com/x", "http://10.0.0.1/x",
      "http://[fd00:ec2::24]/x", "http://127.0.0.1@example.com/x", "http://example.com#@127.0.0.1/",
      "http://127.0.0.1\\@example.com/", "http://example.com?127.0.0.1", "ftp://127.0.0.1/", "127.0.0.1/x", "http://",
      "http://127.0.0.1/ x",
    ])
  func refused(url: String) async throws {
    let transport = ScriptedTransport()
    let failure = await #expect(throws: Failure.self) {
      try await ContainerCredentials(surroundings([full: url], [:], transport)).ask()
    }
    #expect(failure?.kind == .blocked)
    #expect(["InsecureEndpoint", "InvalidEndpoint"].contains(failure?.code))
    #expect(transport.requests.isEmpty)
  }

  @Test("Without a variable there is nothing to ask")
  func lacking() async throws {
    #expect(
      try await ContainerCredentials(surroundings()).ask() == .lacking("neither \(relative) nor \(full) is set"))
  }

  @Test(
    "A 200 without keys is an error that shows nothing of it",
    arguments: [
      ("", "InvalidAnswer", "the answer is empty"), ("<html>s3cret</html>", "InvalidAnswer", "the answer is not JSON"),
      (#"{"Code":"Failed","AccessKeyId":"s3cret"}"#, "Failed", "the answer is Failed"),
      (#"{"AccessKeyId":"s3cret"}"#, "InvalidAnswer", "the answer holds no keys"),
      (
        #"{"AccessKeyId":"A","SecretAccessKey":"s3cret","Expiration":"soon"}"#, "InvalidAnswer",
        "the answer has an Expiration that is no date"
      ),
    ])
  func unusable(body: String, code: String, cause: String) async {
    await #expect(throws: failure(.transient(retryAfter: nil), code, cause)) {
      try await ContainerCredentials(surroundings([relative: "/x"], [:], ScriptedTransport(.answer(200, [], body))))
        .ask()
    }
  }

  @Test("A busy agent is asked three times, a refusing one once")
  func repeated() async throws {
    let busy = ScriptedTransport(.answer(500), .failure(HTTPTransportError(.connectionLost)), .answer(200, [], answer))
    #expect(try await ContainerCredentials(surroundings([relative: "/x"], [:], busy)).ask() == expected)
    let down = ScriptedTransport(.answer(500), .answer(500), .answer(503), .answer(200, [], answer))
    await #expect(throws: failure(.transient(retryAfter: nil), "HTTP503", "it answered 503")) {
      try await ContainerCredentials(surroundings([relative: "/x"], [:], down)).ask()
    }
    let refusing = ScriptedTransport(.answer(403, [], #"{"code":"AccessDenied","message":"t0ken"}"#))
    await #expect(throws: failure(.blocked, "AccessDenied", "it answered 403 AccessDenied")) {
      try await ContainerCredentials(surroundings([relative: "/x"], [:], refusing)).ask()
    }
    #expect(refusing.requests.count == 1)
  }

  @Test("An agent that never ends its answer is given up")
  func silent() async {
    var surroundings = surroundings([relative: "/x"], [:], SilentTransport())
    surroundings.sleep = { _ in }
    await #expect(throws: failure(.transient(retryAfter: nil), "Stalled", "the connection stood still")) {
      try await ContainerCredentials(surroundings).ask()
    }
  }
}

@Suite("Credentials of an instance")
struct InstanceCredentialsTests {
  private let base = "http://169.254.169.254/latest"

  private func failure(_ kind: Failure.Kind, _ code: String, _ cause: String) -> Failure {
    Failure(kind, "get credentials from", "the instance's metadata service", code: code, cause: cause)
  }

  private func ask(_ transport: any HTTPSender, _ environment: [String: String] = [:]) async throws -> CredentialAnswer
  {
    try await InstanceCredentials(surroundings(environment, [:], transport)).ask()
  }

  @Test("A token, the role's name, the keys")
  func order() async throws {
    let transport = ScriptedTransport(
      .answer(200, [], "TOK=="), .answer(200, [], "my-role\n"), .answer(200, [], answer))
    #expect(try await ask(transport) == expected)
    let requests = transport.requests
    #expect(requests.map(\.method) == [.put, .get, .get])
    #expect(
      requests.map(\.url) == [
        "\(base)/api/token", "\(base)/meta-data/iam/security-credentials/",
        "\(base)/meta-data/iam/security-credentials/my-role",
      ])
    #expect(requests[0].value("x-aws-ec2-metadata-token-ttl-seconds") == "60")
    #expect(requests[1...].map { $0.value("x-aws-ec2-metadata-token") } == ["TOK==", "TOK=="])
    #expect(requests.allSatisfy { $0.timeLimits?.connect == .seconds(1) && !$0.usesProxy })
  }

  @Test("Another endpoint, and the one for IPv6")
  func endpoint() async throws {
    let other = ScriptedTransport()
    _ = try await ask(other, ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1338/"])
    #expect(other.requests.map(\.url) == ["http://127.0.0.1:1338/latest/api/token"])
    let six = ScriptedTransport()
    _ = try await ask(six, ["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"])
    #expect(six.requests.map(\.url) == ["http://[fd00:ec2::254]/latest/api/token"])
    await #expect(
      throws: failure(
        .blocked, "InvalidEndpoint", "AWS_EC2_METADATA_SERVICE_ENDPOINT is no address of http or https")
    ) { try await ask(six, ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "nowhere"]) }
  }

  @Test("Switched off by the environment, nothing is asked")
  func disabled() async throws {
    let transport = ScriptedTransport()
    #expect(
      try await ask(transport, ["AWS_EC2_METADATA_DISABLED": "True"]) == .lacking("AWS_EC2_METADATA_DISABLED is true"))
    #expect(transport.requests.isEmpty)
  }

  @Test("A machine without the service lacks keys, and is asked once")
  func absent() async throws {
    let transport = ScriptedTransport(.failure(HTTPTransportError(.connectTimeout)))
    #expect(try await ask(transport) == .lacking("it does not answer (no connection within the time limit)"))
    #expect(transport.requests.count == 1)
    #expect(try await ask(ScriptedTransport(.answer(403))) == .lacking("it gives no token (403)"))
  }

  @Test("An instance without a role lacks keys")
  func noRole() async throws {
    let lacking = CredentialAnswer.lacking("the instance has no role")
    #expect(try await ask(ScriptedTransport(.answer(200, [], "T"), .answer(404))) == lacking)
    #expect(try await ask(ScriptedTransport(.answer(200, [], "T"), .answer(200))) == lacking)
  }

  @Test("A token, name or answer that is none is told, and shows nothing of it")
  func unusable() async {
    let passing = Failure.Kind.transient(retryAfter: nil)
    await #expect(throws: failure(passing, "InvalidAnswer", "the answer is no token")) {
      try await ask(ScriptedTransport(.answer(200)))
    }
    await #expect(throws: failure(passing, "InvalidAnswer", "the answer is no token")) {
      try await ask(ScriptedTransport(.answer(200, [], "a\r\nb")))
    }
    await #expect(throws: failure(passing, "InvalidAnswer", "the answer is no role's name")) {
      try await ask(ScriptedTransport(.answer(200, [], "T"), .answer(200, [], "<html>")))
    }
  }
}

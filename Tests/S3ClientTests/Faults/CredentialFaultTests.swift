import Glibc
import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite(
  "IMDS that is slow, empty or answers 200 with an error; a credential_process that hangs", .timeLimit(.minutes(2)))
struct CredentialFaultTests {
  private func failure(_ code: String, _ cause: String) -> Failure {
    Failure(
      .transient(retryAfter: nil), "get credentials from", "the instance's metadata service", code: code, cause: cause)
  }

  private func askInstance(_ transport: any HTTPSender) async throws -> CredentialAnswer {
    try await InstanceCredentials(surroundings([:], [:], transport)).ask()
  }

  @Test("fault 29: an IMDS that does not answer in time lacks keys, as on a machine without one")
  func slow() async throws {
    var around = surroundings([:], [:], SilentTransport())
    // The limit of time is over at once.
    around.sleep = { _ in }
    #expect(
      try await InstanceCredentials(around).ask() == .lacking("it does not answer (the connection stood still)"))
  }

  @Test("fault 29: an IMDS that is there and becomes slow is an error that may pass", arguments: [false, true])
  func slowLater(gaveRole: Bool) async {
    let late = Result<HTTPResponse, HTTPTransportError>.failure(HTTPTransportError(.stalled))
    let transport =
      gaveRole
      ? ScriptedTransport(.answer(200, [], "T"), .answer(200, [], "r"), late)
      : ScriptedTransport(.answer(200, [], "T"), late)
    await #expect(throws: failure("Stalled", "the connection stood still")) { try await askInstance(transport) }
  }

  @Test("fault 29: an IMDS whose answer is empty is an error that may pass", arguments: [0, 2])
  func empty(answers: Int) async {
    let transport =
      answers == 0
      ? ScriptedTransport(.answer(200)) : ScriptedTransport(.answer(200, [], "T"), .answer(200, [], "r"), .answer(200))
    await #expect(
      throws: failure("InvalidAnswer", answers == 0 ? "the answer is no token" : "the answer is empty")
    ) { try await askInstance(transport) }
  }

  @Test("fault 29: an IMDS that answers 200 with an error is told by its code, and shows nothing else of it")
  func errorIn200() async {
    let failed = #"{"Code":"AssumeRoleUnauthorizedAccess","Message":"s3cret","SecretAccessKey":"s3cret"}"#
    await #expect(throws: failure("AssumeRoleUnauthorizedAccess", "the answer is AssumeRoleUnauthorizedAccess")) {
      try await askInstance(ScriptedTransport(.answer(200, [], "T"), .answer(200, [], "r"), .answer(200, [], failed)))
    }
  }

  @Test("fault 29: a credential_process that hangs is ended with all that it has started")
  func hangingProcess() async throws {
    // On a busy machine it may not have come up within the first limit.
    var hadComeUp = false
    for seconds in [1, 5, 25] where !hadComeUp { hadComeUp = try await isEnded(after: seconds) }
    #expect(hadComeUp)
  }

  /// Whether a program that hangs had come up when its time was over.
  private func isEnded(after seconds: Int) async throws -> Bool {
    let directory = try TemporaryDirectory()
    let fifo = directory.path("fifo").description
    try #require(mkfifo(fifo, 0o600) == 0)
    let reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    let command = "sh -c 'exec 3>\(fifo); echo x >&3; sleep 1000 & wait'"
    await #expect(throws: commandFailure("ProcessTimeout", "did not end within \(seconds) s")) {
      try await askCommand(command, .local(limit: .seconds(seconds)), ["PATH": "/usr/bin:/bin"])
    }
    // The end of the FIFO comes when the last one that has it open for writing is gone.
    _ = fcntl(reader, F_SETFL, 0)
    var bytes = [UInt8](repeating: 0, count: 8)
    let count = read(reader, &bytes, 8)
    if count > 0 { #expect(read(reader, &bytes, 8) == 0) }
    return count == 2
  }
}

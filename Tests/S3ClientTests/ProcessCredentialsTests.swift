import SlipwayModel
import Testing

@testable import S3Client

private let secret = "hunter2"

/// What is told of a command that gives no keys.
func commandFailure(_ code: String, _ cause: String) -> Failure {
  Failure(
    .blocked, "get credentials from", "the profile default", code: code, cause: "credential_process \(cause)",
    remedy: "run the command by hand to see what is wrong")
}

/// The keys of a profile with this command.
func askCommand(
  _ command: String, _ programs: CredentialPrograms, _ environment: [String: String] = [:]
) async throws -> CredentialAnswer {
  var around = surroundings(
    ["HOME": "/h"].merging(environment) { $1 }, ["/h/.aws/config": "[default]\ncredential_process = \(command)\n"])
  around.programs = programs
  return try await ProfileCredentials(around).ask()
}

@Suite("Keys that a program writes")
struct ProcessCredentialsTests {
  private let whole =
    #"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-11-21T03:45:12Z"}"#

  private func writing(_ text: String) -> CredentialPrograms { CredentialPrograms { _, _ in Array(text.utf8) } }

  @Test("They are as good as any, and end when it says")
  func answer() async throws {
    let expected = S3Credentials(accessKeyID: "A", secretAccessKey: Secret("s"), sessionToken: Secret("t"))
    #expect(
      try await askCommand("x", writing(whole))
        == .keys(TimedCredentials(expected, expiry: Timestamp(seconds: 1_795_232_712))))
    let endless = try await askCommand("x", writing(#"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s"}"#))
    #expect(
      endless == .keys(TimedCredentials(S3Credentials(accessKeyID: "A", secretAccessKey: Secret("s")))))
  }

  @Test(
    "What is no answer is told without any of it",
    arguments: [
      ("", "wrote nothing"), ("key: \(secret)", "wrote no JSON"),
      (#"{"AccessKeyId":"A","SecretAccessKey":"hunter2"}"#, "wrote no answer of Version 1"),
      (#"{"Version":2,"AccessKeyId":"A","SecretAccessKey":"hunter2"}"#, "wrote no answer of Version 1"),
      (#"{"Version":1,"SecretAccessKey":"hunter2"}"#, "wrote no keys"),
      (
        #"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"hunter2"}"#,
        "wrote an Expiration that is no date"
      ),
    ])
  func unusable(text: String, cause: String) async {
    await #expect(throws: commandFailure("InvalidAnswer", cause)) { try await askCommand("x", writing(text)) }
  }

  @Test(
    "The command line is split by quotes and backslashes, and by no shell",
    arguments: [
      ("/opt/bin/x --a  b", ["/opt/bin/x", "--a", "b"]),
      (#""/opt/my bin/x" 'a "b"' c\ d"#, ["/opt/my bin/x", "a \"b\"", "c d"]),
      (#"x "a \"b\" \\ \n" '' $HOME|`y`;z"#, ["x", #"a "b" \ \n"#, "", "$HOME|`y`;z"]), (#"x 'a\'"#, ["x", #"a\"#]),
      (#"x "a"#, nil), ("x 'a", nil), (#"x \"#, nil), (" ", nil), ("''", nil),
    ] as [(String, [String]?)])
  func words(command: String, words: [String]?) {
    #expect(ProcessCredentials.words(command) == words)
  }

  @Test("An open quote is told without the command")
  func openQuote() async {
    await #expect(
      throws: Failure(
        .blocked, "get credentials from", "the profile default", code: "InvalidProfile",
        cause: "credential_process is no command line", remedy: "correct it")
    ) { try await askCommand("x 'hunter2", writing(whole)) }
  }
}

@Suite("Programs that write keys", .timeLimit(.minutes(2)))
struct CredentialProgramTests {
  private let path = ["PATH": "/usr/bin:/bin"]

  private func shell(_ script: String) -> String { "sh -c '\(script)'" }

  @Test("A program is found in PATH, has the environment, and nothing to read")
  func environment() async throws {
    let script = #"cat; echo "{\"Version\":1,\"AccessKeyId\":\"$WHO\",\"SecretAccessKey\":\"s\"}""#
    let keys = S3Credentials(accessKeyID: "me", secretAccessKey: Secret("s"))
    let environment = path.merging(["WHO": "me"]) { $1 }
    #expect(try await askCommand(shell(script), .local, environment) == .keys(TimedCredentials(keys)))
  }

  @Test("It has no descriptor of ours")
  func descriptors() async throws {
    // The last one is the directory that ls reads.
    #expect(try await CredentialPrograms.local.run(["ls", "/proc/self/fd"], path) == Array("0\n1\n2\n3\n".utf8))
  }

  @Test(
    "How it ended is told, and nothing of what it wrote",
    arguments: [
      ("sh -c 'echo hunter2; echo hunter2 >&2; exit 1'", "ProcessFailed", "ended with exit code 1"),
      ("sh -c 'kill -9 $$'", "ProcessFailed", "was ended by signal 9"),
      ("/nonexistent/hunter2", "ProcessNotStarted", "cannot be started (No such file or directory)"),
      ("yes hunter2", "OutputTooLong", "wrote more than 65536 bytes"),
    ])
  func failing(command: String, code: String, cause: String) async {
    await #expect(throws: commandFailure(code, cause)) { try await askCommand(command, .local, path) }
  }

  @Test("One that leaves its output open to another process is not waited for")
  func heir() async throws {
    let answer = #"{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}"#
    let found = try await askCommand(shell("sleep 1000 & echo \"\(answer)\""), .local, path)
    #expect(found == .keys(TimedCredentials(S3Credentials(accessKeyID: "A", secretAccessKey: Secret("s")))))
  }
}

import HTTPTransport
import SlipwayModel
import Synchronization

@testable import S3Client

/// Answers like a scripted transport, one layer up, and lets a test hold an answer back.
final class ScriptedSource: CredentialSource {
  let name: String
  private let answers: Mutex<[Result<CredentialAnswer, Failure>]>
  private let asked = Mutex(0)
  private let gate: Gate?

  init(name: String = "the script", gate: Gate? = nil, _ answers: Result<CredentialAnswer, Failure>...) {
    self.name = name
    self.gate = gate
    self.answers = Mutex(answers)
  }

  var count: Int { asked.withLock { $0 } }

  func ask() async throws(Failure) -> CredentialAnswer {
    asked.withLock { $0 += 1 }
    await gate?.pass()
    return try answers.withLock { $0.isEmpty ? .success(.lacking("the script has ended")) : $0.removeFirst() }.get()
  }
}

/// Lets one through each time it is opened; whoever opens it knows that somebody stood there.
final class Gate: Sendable {
  private let arrivals: AsyncStream<CheckedContinuation<Void, Never>>
  private let arrival: AsyncStream<CheckedContinuation<Void, Never>>.Continuation

  init() {
    (arrivals, arrival) = AsyncStream.makeStream()
  }

  func pass() async {
    await withCheckedContinuation { _ = arrival.yield($0) }
  }

  func open() async {
    for await waiting in arrivals { return waiting.resume() }
  }
}

/// Files of a test that can be replaced, by path.
final class KeptFiles: Sendable {
  private let contents: Mutex<[String: String]>

  init(_ contents: [String: String]) { self.contents = Mutex(contents) }

  subscript(path: String) -> String? {
    get { contents.withLock { $0[path] } }
    set { contents.withLock { $0[path] = newValue } }
  }

  var files: CredentialFiles {
    CredentialFiles(
      { path, limit throws(Failure) in self[path].map { Array($0.utf8) } },
      replacement: { path, bytes throws(Failure) in self[path] = String(decoding: bytes, as: UTF8.self) })
  }
}

/// Files of a test, by path.
func files(_ contents: [String: String]) -> CredentialFiles {
  CredentialFiles { path, limit throws(Failure) in contents[path].map { Array($0.utf8) } }
}

func surroundings(
  _ environment: [String: String] = [:], _ contents: [String: String] = [:],
  _ transport: any HTTPSender = ScriptedTransport(), now: Timestamp = Timestamp(seconds: 1_795_232_712)
) -> CredentialSurroundings {
  CredentialSurroundings(
    environment: environment, files: files(contents), transport: transport, now: { now },
    // Pauses are over at once, limits of time never.
    sleep: { if $0 >= .seconds(1) { try await Task.sleep(for: .seconds(3600)) } })
}

func keys(_ id: String) -> S3Credentials {
  S3Credentials(accessKeyID: id, secretAccessKey: Secret("secret-\(id)"), sessionToken: Secret("token-\(id)"))
}

extension Result where Success == CredentialAnswer, Failure == SlipwayModel.Failure {
  static func gives(_ id: String, until expiry: Timestamp? = nil) -> Self {
    .success(.keys(TimedCredentials(keys(id), expiry: expiry)))
  }
  static func lacks(_ reason: String) -> Self { .success(.lacking(reason)) }
}

import Glibc
import LocalFiles
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import StatusServing

@Suite("The control socket", .timeLimit(.minutes(1)))
struct ControlSocketTests {
  private let directory: TemporaryDirectory
  private var state: BytePath { directory.path }

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func with(
    _ handler: @escaping ControlServer.Handler, _ body: (ControlClient) async throws -> Void
  ) async throws {
    let server = ControlServer(in: state, handler: handler)
    try await server.start()
    try await body(ControlClient(in: state))
    await server.stop()
    await server.stop()
  }

  /// On a thread that may block: the server needs those of the pool.
  private func ask(_ client: ControlClient, _ request: ControlRequest) async throws -> ControlAnswer? {
    let thread = try FileThreads(count: 1)
    let task = Task(executorPreference: thread) { Result { try client.send(request) } }
    return try await task.value.get()
  }

  @Test(
    "Every request arrives as it was asked, and its answer comes back",
    arguments: [
      .retry(RunID("a\n\u{1B}é")), .retryFailed, .cancel(RunID("")), .health, .push(WorkflowName("w"), []),
      .push(WorkflowName("w"), [BytePath([0x2F, 0xFF, 0x0A]), BytePath("/e\u{301}")]),
    ] as [ControlRequest])
  func roundTrip(request: ControlRequest) async throws {
    let seen = Mutex<[ControlRequest]>([])
    let verdicts = ControlAnswer.Verdict.allCases
    try await with { request in
      let count = seen.withLock { seen in
        seen.append(request)
        return seen.count
      }
      return ControlAnswer(verdicts[count - 1], [0xFF, 0x00, 0x0D, 0x0A])
    } _: { client in
      for verdict in verdicts {
        let answer = try await ask(client, request)
        #expect(answer == ControlAnswer(verdict, [0xFF, 0x00, 0x0D, 0x0A]))
      }
    }
    #expect(seen.withLock { $0 } == verdicts.map { _ in request })
  }

  @Test("It has mode 0600, nothing lies beside it, and it goes with the process")
  func mode() async throws {
    try await with { _ in
      ControlAnswer(.done, [])
    } _: { _ in
      var status = stat()
      #expect(lstat(String(decoding: state.appending("control.sock").bytes, as: UTF8.self), &status) == 0)
      #expect(status.st_mode == S_IFSOCK | 0o600)
      let names = try directory.list(.here)
      #expect(names.map(\.description) == ["control.sock"])
    }
    #expect(try directory.list(.here) == [])
  }

  @Test("Nobody answers: nil, with a stale socket and without one; a new process takes its place")
  func stale() async throws {
    #expect(try await ask(ControlClient(in: state), .retryFailed) == nil)
    let dead = try SocketDraft(in: state)
    let server = ControlServer(in: state) { _ in ControlAnswer(.done, [1]) }
    try directory.write("", to: "control.sock")
    #expect(try await ask(ControlClient(in: state), .retryFailed) == nil)
    withExtendedLifetime(dead) {}
    try await server.start()
    #expect(try await ask(ControlClient(in: state), .retryFailed) == ControlAnswer(.done, [1]))
    await server.stop()
  }

  @Test("A long path of the state directory makes no difference")
  func longPath() async throws {
    let long = String(repeating: "d", count: 200)
    try directory.makeDirectory(BytePath(long))
    let server = ControlServer(in: state.appending(long)) { _ in ControlAnswer(.done, []) }
    try await server.start()
    #expect(try await ask(ControlClient(in: state.appending(long)), .retryFailed)?.verdict == .done)
    await server.stop()
  }

  @Test("A request that is too long is refused and not handed on")
  func tooLong() async throws {
    try await with { _ in
      ControlAnswer(.done, [])
    } _: { client in
      let id = RunID(String(repeating: "a", count: ControlRequest.limit))
      let answer = try await ask(client, .cancel(id))
      #expect(answer?.verdict == .refused)
    }
  }

  @Test(
    "Half an answer is none",
    arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", "HTTP/1.1 299 x\r\n\r\n"])
  func half(answer: String) {
    let failure = #expect(throws: Failure.self) { _ = try ControlClient.parsed(Array(answer.utf8)) }
    #expect(
      failure?.message == "cannot ask the process that is under way: it has not finished its answer; "
        + "'slipway status' tells what it has done")
  }
}

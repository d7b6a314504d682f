import FlyingFox
import FlyingSocks
import FoundationEssentials
import Glibc
import SlipwayModel

/// The control socket: `control.sock` in the state directory, mode 0600, as long as the process holds that directory's
/// lock. Answers HTTP.
///
/// Who may open the socket is the process's own user or root; what they send is bounded all the same.
package actor ControlServer {
  package typealias Handler = @Sendable (ControlRequest) async -> ControlAnswer

  package static let socketName = "control.sock"
  /// The longest that a request may take, in seconds: a cancelled run's hook has its grace, a scan its directories.
  static let timeLimit = 600.0
  /// How long it may take until the socket is open, in seconds: a machine may be out of breath.
  private static let startLimit = 60.0

  private let state: BytePath
  private let handler: Handler
  private var serving: (server: HTTPServer, task: Task<Void, any Error>)?

  /// `state` is the locked state directory.
  package init(in state: BytePath, handler: @escaping Handler) {
    self.state = state
    self.handler = handler
  }

  /// Opens the socket, in place of one that a process before this one has left. Throws a fatal failure.
  package func start() async throws(Failure) {
    let draft = try SocketDraft(in: state)
    let handler = handler
    let server = HTTPServer(
      address: sockaddr_un.unix(path: draft.address), timeout: Self.timeLimit, logger: .disabled,
      handler: ClosureHTTPHandler { await Self.answer($0, handler) })
    let task = Task { try await server.run() }
    do {
      try await server.waitUntilListening(timeout: Self.startLimit)
    } catch {
      task.cancel()
      throw Failure(.fatal, "open", "the control socket in \(state)", cause: escaped("\(error)".utf8))
    }
    serving = (server, task)
    try draft.publish(as: Self.socketName)
  }

  /// Removes the socket; requests that are under way are not answered any more. May be called twice, or without
  /// `start`.
  package func stop() async {
    guard let serving else { return }
    self.serving = nil
    unlink(state.appending(Self.socketName).controlText)
    await serving.server.stop()
    serving.task.cancel()
  }

  private static func answer(_ request: HTTPRequest, _ handler: Handler) async -> HTTPResponse {
    guard let body = await body(of: request), let known = ControlRequest(path: request.path, body: body),
      request.method.rawValue == ControlRequest.method
    else { return response(ControlAnswer(.refused, Array("there is no such request".utf8))) }
    return response(await handler(known))
  }

  /// nil if it is too long or does not arrive.
  private static func body(of request: HTTPRequest) async -> [UInt8]? {
    var bytes: [UInt8] = []
    do {
      for try await chunk in request.bodySequence {
        bytes += chunk
        if bytes.count > ControlRequest.limit { return nil }
      }
    } catch {
      return nil
    }
    return bytes
  }

  private static func response(_ answer: ControlAnswer) -> HTTPResponse {
    HTTPResponse(
      statusCode: HTTPStatusCode(answer.verdict.rawValue, phrase: "\(answer.verdict)"),
      headers: [.contentType: "text/plain; charset=utf-8"], body: Data(answer.text))
  }
}

extension BytePath {
  /// For system calls. A state directory's path is UTF-8.
  var controlText: String { String(decoding: bytes, as: UTF8.self) }
}

import HTTPTransport
import SlipwayModel
import Synchronization

@testable import S3Client

/// Answers each request as the test says, and keeps what was asked.
final class ScriptedTransport: HTTPSender {
  private let answers: Mutex<[Result<HTTPResponse, HTTPTransportError>]>
  private let seen = Mutex<[HTTPRequest]>([])

  init(_ answers: Result<HTTPResponse, HTTPTransportError>...) {
    self.answers = Mutex(answers)
  }

  var requests: [HTTPRequest] { seen.withLock { $0 } }

  func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    seen.withLock { $0.append(request) }
    return try answers.withLock { $0.isEmpty ? .failure(HTTPTransportError(.shutDown)) : $0.removeFirst() }.get()
  }
}

extension Result where Success == HTTPResponse, Failure == HTTPTransportError {
  static func answer(_ status: Int, _ fields: [String] = [], _ body: String = "") -> Self {
    let text = (["HTTP/1.1 \(status) X"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    return .success(
      HTTPResponse(status: status, fields: HTTPResponseFields(Array(text.utf8)), body: Array(body.utf8)))
  }
}

extension HTTPRequest {
  /// The value of a field as it was given.
  func value(_ name: String) -> String? {
    lines.first { $0.hasPrefix(name + ": ") }.map { String($0.dropFirst(name.utf8.count + 2)) }
  }

  var lines: [String] {
    fields.lines.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }
}

/// A client for bucket `b` at a server on this machine, with AWS's example keys on 2013-05-24.
func client(_ transport: ScriptedTransport, _ change: (inout S3Destination) -> Void = { _ in }) throws -> S3Client {
  var settings = exampleSettings()
  change(&settings)
  return try S3Client(
    settings, environment: [:], transport: transport, now: { Timestamp(seconds: 1_369_353_600) },
    retry: RequestRetry(tries: 1))
}

import HTTPTransport
import SlipwayModel
import Synchronization

@testable import S3Client

/// Answers each request by what was asked before, and keeps what was asked.
final class AnsweringTransport: HTTPSender {
  typealias Answer =
    @Sendable (_ request: HTTPRequest, _ earlier: [HTTPRequest]) -> Result<
      HTTPResponse, HTTPTransportError
    >

  private let answer: Answer
  private let seen = Mutex<[HTTPRequest]>([])

  init(_ answer: @escaping Answer) {
    self.answer = answer
  }

  var requests: [HTTPRequest] { seen.withLock { $0 } }

  func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    let earlier = seen.withLock { seen in
      defer { seen.append(request) }
      return seen
    }
    return try answer(request, earlier).get()
  }
}

/// A client as `client(_:_:)` of a scripted transport makes it.
func client(_ transport: AnsweringTransport) throws -> S3Client {
  try S3Client(
    exampleSettings(), environment: [:], transport: transport, now: { Timestamp(seconds: 1_369_353_600) },
    retry: RequestRetry(tries: 1))
}

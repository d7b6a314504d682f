import HTTPTransport
import SlipwayModel

/// Why an operation failed.
public struct S3Error: Error, Sendable, Hashable {
  /// Of the answer; 0 if there was none.
  public let status: Int
  /// The server's, by which its operator can find the request; empty if it gave none.
  public let requestID: String
  /// What it means, and what to do.
  public let failure: Failure

  public var code: String { failure.code }
  public var kind: Failure.Kind { failure.kind }

  package init(_ failure: Failure, status: Int = 0, requestID: String = "") {
    self.failure = failure
    self.status = status
    self.requestID = requestID
  }

  /// An answer that is no success.
  init(_ response: HTTPResponse, _ operation: String, _ subject: String) {
    let said = ErrorAnswer(response.body)
    let requestID = said?.requestID.isEmpty == false ? said?.requestID : nil
    let verdict = AnswerVerdict(response, said)
    self.init(
      Failure(
        verdict.kind, operation, subject, code: verdict.code, cause: verdict.cause, remedy: verdict.remedy),
      status: response.status,
      requestID: requestID ?? ErrorAnswer.token(response.fields.value("x-amz-request-id")))
  }
}

extension S3Error: CustomStringConvertible {
  public var description: String { failure.message }
}

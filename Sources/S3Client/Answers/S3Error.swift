import HTTPTransport
import SlipwayModel

/// Why an operation failed.
public struct S3Error: Error, Sendable, Hashable {
  /// Of the answer; 0 if there was none.
  public let status: Int
  /// The server's, by which its operator can find the request; empty if it gave none.
  public let requestID: String
  /// Where the answer says that the bucket lies; empty if it does not say.
  let bucketRegion: String
  /// What it means, and what to do.
  public let failure: Failure

  public var code: String { failure.code }
  public var kind: Failure.Kind { failure.kind }

  package init(_ failure: Failure, status: Int = 0, requestID: String = "") {
    self.init(failure, status: status, requestID: requestID, bucketRegion: "")
  }

  private init(_ failure: Failure, status: Int, requestID: String, bucketRegion: String) {
    self.bucketRegion = bucketRegion
    self.failure = failure
    self.status = status
    self.requestID = requestID
  }

  /// An answer that is no success.
  init(_ response: HTTPResponse, _ operation: String, _ subject: String) {
    self.init(response, ErrorAnswer(response.body), operation, subject)
  }

  /// What an answer says of one of the things that were asked for, or of all.
  init(_ response: HTTPResponse, _ said: ErrorAnswer?, _ operation: String, _ subject: String) {
    let requestID = said?.requestID.isEmpty == false ? said?.requestID : nil
    let verdict = AnswerVerdict(response, said)
    self.init(
      Failure(
        verdict.kind, operation, subject, code: verdict.code, cause: verdict.cause, remedy: verdict.remedy),
      status: response.status,
      requestID: requestID ?? ErrorAnswer.token(response.fields.value("x-amz-request-id")),
      bucketRegion: AnswerVerdict.region(response, said))
  }
}

extension S3Error: CustomStringConvertible {
  public var description: String { failure.message }
}

import HTTPTransport
import SlipwayModel

extension S3Error {
  /// A success whose body does not say what it should: a proxy's page, a text that ends early. It may be better the
  /// next time, and is never taken for an empty answer.
  init(unreadable what: String, _ response: HTTPResponse, _ operation: String, _ subject: String) {
    self.init(
      Failure(
        .transient(retryAfter: nil), operation, subject, code: "InvalidAnswer",
        cause: "the answer cannot be understood: \(what)"),
      status: response.status, requestID: ErrorAnswer.token(response.fields.value("x-amz-request-id")))
  }
}

/// Tells `next` what lies below the root, if that has the right name.
private final class RootCheck: AnswerHandler {
  private(set) var isMet = false
  private let root: String
  private let next: any AnswerHandler

  init(_ root: String, _ next: any AnswerHandler) {
    self.root = root
    self.next = next
  }

  func begin(_ name: String, depth: Int) {
    if depth == 1 { isMet = name == root }
    if isMet { next.begin(name, depth: depth) }
  }

  func end(_ name: String, text: [UInt8], depth: Int) {
    if isMet { next.end(name, text: text, depth: depth) }
  }
}

/// Reads an answer's body to its end. Throws unless it is XML with the root `root`.
func readAnswer(
  _ response: HTTPResponse, root: String, _ handler: some AnswerHandler, _ operation: String, _ subject: String
) throws(S3Error) {
  let check = RootCheck(root, handler)
  do throws(AnswerProblem) {
    try AnswerParser(check).read(response.body, isLast: true)
  } catch {
    throw S3Error(unreadable: "it is not the XML of an answer (\(error))", response, operation, subject)
  }
  if !check.isMet { throw S3Error(unreadable: "it is no \(root)", response, operation, subject) }
}

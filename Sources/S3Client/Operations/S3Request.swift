import HTTPTransport
import SlipwayModel

/// One request before it is signed; it can be signed and sent again.
package struct S3Request: Sendable {
  package enum PayloadHash: Sendable {
    case empty
    /// The body's SHA-256.
    case sha256([UInt8])
    /// Only over https.
    case unsigned
  }

  let method: HTTPRequest.Method
  /// nil: the bucket itself.
  let key: ObjectKey?
  /// What a message calls it: a verb.
  let operation: String
  var query = CanonicalQuery.none
  /// Lowercase names; `host` and what the signature adds are not among them.
  var fields = HTTPFields()
  var body = HTTPBody.none
  var payloadHash = PayloadHash.empty
  var responseBodyLimit = HTTPRequest.defaultResponseBodyLimit
  var progress: TransferMeter?
  /// Whether an answer with status 200 may hold an `<Error>`, because the server began it before it knew.
  var mayAnswerErrorWith200 = false
  /// Codes after which the same request again cannot help, although they may pass.
  var finalCodes: Set<String> = []
  /// See `HTTPRequest.needsNewConnection`.
  var needsNewConnection = false
  /// Called before the request is sent once more, although an earlier one may have taken effect. Any thread.
  var onRepeat: (@Sendable () -> Void)?

  init(_ method: HTTPRequest.Method, _ key: ObjectKey?, operation: String) {
    self.method = method
    self.key = key
    self.operation = operation
  }
}

/// Sends one request. What adds something to each of them (retries, a limit of rate) is one of these around another.
package protocol RequestSender: Sendable {
  /// Returns an answer of success (2xx) and throws for any other. May be called again with the same request; whether
  /// that is harmless is the operation's matter. Any task.
  nonisolated(nonsending) func send(_ request: S3Request) async throws(S3Error) -> HTTPResponse
}

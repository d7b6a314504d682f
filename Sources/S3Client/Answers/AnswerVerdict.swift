import HTTPTransport
import SlipwayModel

/// What an answer other than success means: the one place where S3's codes become ours.
struct AnswerVerdict {
  let kind: Failure.Kind
  /// The server's code; without one, `HTTP` and the status.
  let code: String
  let cause: String
  let remedy: String

  init(_ response: HTTPResponse, _ said: ErrorAnswer?) {
    let given = said?.code ?? ""
    code = given.isEmpty ? Self.code(ofStatus: response.status) : given
    kind = Self.kind(code, response.status, Self.retryAfter(response))
    let message = said?.message ?? ""
    cause =
      "the server answered \(response.status)" + (given.isEmpty ? "" : " \(given)")
      + (message.isEmpty ? "" : ": \(message)")
    remedy = Self.remedy(code, region: Self.region(response, said))
  }

  /// The longest time that a server may ask for, in seconds.
  static let retryAfterLimit = 3600

  private static func kind(_ code: String, _ status: Int, _ retryAfter: Duration?) -> Failure.Kind {
    if blocking.contains(code) { return .blocked }
    if passing.contains(code) { return .transient(retryAfter: retryAfter) }
    switch status {
    case 501: return .permanent
    case 300...399, 401, 403, 407: return .blocked
    case 400, 402, 404...406, 409...428, 430...499:
      return status == 425 ? .transient(retryAfter: retryAfter) : .permanent
    // 408, 429, 5xx, and a status that is no error at all where one was not expected.
    default: return .transient(retryAfter: retryAfter)
    }
  }

  /// It waits for an operator.
  private static let blocking: Set<String> = [
    "AccessDenied", "AccountProblem", "AllAccessDisabled", "AuthorizationHeaderMalformed", "ExpiredToken",
    "InvalidAccessKeyId", "InvalidBucketName", "InvalidSecurity", "InvalidToken", "NoSuchBucket", "NotSignedUp",
    "PermanentRedirect", "QuotaExceeded", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "TemporaryRedirect",
    "TokenRefreshRequired",
  ]

  /// It may go well the next time; the last four mean that other bytes arrived than were sent.
  private static let passing: Set<String> = [
    "BandwidthLimitExceeded", "ConditionalRequestConflict", "InternalError", "OperationAborted", "RequestLimitExceeded",
    "RequestTimeout", "RequestTimeoutException", "ServiceUnavailable", "SlowDown", "SlowDownRead", "SlowDownWrite",
    "Throttling", "ThrottlingException", "TooManyRequests", "TooManyRequestsException",
    "BadDigest", "IncompleteBody", "InvalidDigest", "XAmzContentSHA256Mismatch",
  ]

  private static func code(ofStatus status: Int) -> String { "HTTP\(status)" }

  private static func remedy(_ code: String, region: String) -> String {
    switch code {
    case "NoSuchBucket": "create the bucket, or correct bucket at the destination"
    case "AccessDenied", "AllAccessDisabled", "HTTP403":
      "allow these credentials s3:PutObject and s3:GetObject on the bucket"
    case "InvalidAccessKeyId", "InvalidToken", "HTTP401": "correct the credentials"
    case "SignatureDoesNotMatch": "correct the secret access key"
    case "ExpiredToken", "TokenRefreshRequired": "renew the session token"
    case "RequestTimeTooSkewed": "set this machine's clock"
    case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "HTTP301", "HTTP307":
      region.isEmpty ? "correct region and endpoint at the destination" : "set region: \(region) at the destination"
    case "NotImplemented", "HTTP501": "the server does not know this feature; leave it out at the destination"
    default: ""
    }
  }

  /// The region in which the bucket lies, if the answer names one.
  static func region(_ response: HTTPResponse, _ said: ErrorAnswer?) -> String {
    let named = said?.region ?? ""
    let region = named.isEmpty ? ErrorAnswer.token(response.fields.value("x-amz-bucket-region")) : named
    return isRegionName(region) ? region : ""
  }

  /// In seconds (RFC 9110, section 10.2.3); the other form, a date, is not known to be used by S3 servers.
  private static func retryAfter(_ response: HTTPResponse) -> Duration? {
    guard let seconds = response.fields.text("retry-after").flatMap({ Int($0) }), seconds >= 0 else { return nil }
    return .seconds(min(seconds, retryAfterLimit))
  }
}

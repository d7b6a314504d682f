import HTTPTransport
import SlipwayModel

/// Adds to each request who pays for it, and whose the bucket must be (Amazon S3 User Guide, "Using Requester Pays
/// buckets" and "Verifying bucket ownership with bucket owner condition").
struct AccountSender: RequestSender {
  private let next: any RequestSender
  private let paysAsRequester: Bool
  private let expectedOwner: String?

  /// `next` itself where the settings ask for neither.
  static func around(_ next: any RequestSender, _ settings: S3Destination) -> any RequestSender {
    guard settings.paysAsRequester || settings.expectedBucketOwner != nil else { return next }
    return AccountSender(
      next: next, paysAsRequester: settings.paysAsRequester, expectedOwner: settings.expectedBucketOwner)
  }

  func send(_ request: S3Request) async throws(S3Error) -> HTTPResponse {
    var request = request
    if let expectedOwner { request.fields.append("x-amz-expected-bucket-owner", expectedOwner) }
    if paysAsRequester { request.fields.append("x-amz-request-payer", "requester") }
    return try await next.send(request)
  }
}

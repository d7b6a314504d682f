import SlipwayModel

/// Errors that the client finds itself.
extension S3Client {
  func problem(
    _ kind: Failure.Kind, _ operation: String, _ key: ObjectKey?, code: String, _ cause: String, remedy: String = ""
  ) -> S3Error {
    S3Error(Failure(kind, operation, endpoint.subject(key), code: code, cause: cause, remedy: remedy))
  }

  func noSuchKey(_ operation: String, _ key: ObjectKey) -> S3Error {
    S3Error(.noSuchObject(operation, endpoint.subject(key)), status: 404)
  }

  /// Another object lies at the key than when it was first looked at. The next attempt may take that one.
  func objectChanged(_ operation: String, _ key: ObjectKey) -> S3Error {
    problem(
      .transient(retryAfter: nil), operation, key, code: Failure.sourceChanged,
      "another object was stored at its key meanwhile")
  }

  /// Throws a permanent error unless `head` is the object that the caller means; `etag` nil means any.
  func check(_ head: ObjectHead, ifMatch etag: String?, _ operation: String, _ key: ObjectKey) throws(S3Error) {
    guard let etag, etag != head.etag else { return }
    throw problem(
      .permanent, operation, key, code: "PreconditionFailed", "its ETag is \(head.etag) and not \(escaped(etag.utf8))")
  }
}

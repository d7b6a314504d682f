import HTTPTransport
import SlipwayModel

extension S3Client {
  /// What the server says of an object, its checksum included where it keeps one; nil if there is none. Idempotent.
  /// Any task. (Amazon S3 API Reference, HeadObject.)
  public func headObject(_ key: ObjectKey) async throws(S3Error) -> ObjectHead? {
    try await look(at: key)?.head
  }

  /// Removes an object; that there is none is no error. Idempotent. Any task. (Amazon S3 API Reference, DeleteObject.)
  public func deleteObject(_ key: ObjectKey) async throws(S3Error) {
    try checkKey(key, Self.deleting)
    do throws(S3Error) {
      _ = try await sender.send(S3Request(.delete, key, operation: Self.deleting))
    } catch {
      if error.code != "NoSuchKey" { throw error }
    }
  }

  static let deleting = "delete"

  /// An object's head with the fields that it was read from, for who carries them over.
  func look(
    at key: ObjectKey, _ operation: String = "look at"
  ) async throws(S3Error) -> (head: ObjectHead, fields: HTTPResponseFields)? {
    try checkKey(key, operation)
    var request = S3Request(.head, key, operation: operation)
    request.fields.append("x-amz-checksum-mode", "ENABLED")
    let response: HTTPResponse
    do throws(S3Error) {
      response = try await sender.send(request)
    } catch {
      // A HEAD has no body that could tell a missing key from a missing bucket.
      if error.status == 404 { return nil }
      throw error
    }
    guard let head = ObjectHead(response.fields) else {
      throw S3Error(unreadable: "it has no Content-Length", response, operation, endpoint.subject(key))
    }
    return (head, response.fields)
  }
}

extension ObjectHead {
  /// nil if they do not tell a size.
  fileprivate init?(_ fields: HTTPResponseFields) {
    guard let size = fields.text("content-length").flatMap({ Int64($0) }), size >= 0 else { return nil }
    let prefix = "x-amz-meta-"
    var metadata: [String: String] = [:]
    for (name, value) in fields.all(beginningWith: prefix) {
      metadata[String(name.dropFirst(prefix.utf8.count))] = String(decoding: value, as: UTF8.self)
    }
    self.init(
      size: size, etag: fields.etag, modified: fields.text("last-modified").flatMap { Timestamp(httpDate: $0) },
      contentType: fields.text("content-type") ?? "", metadata: metadata, checksum: Checksum(claimedIn: fields),
      // The header is left out for this one (Amazon S3 API Reference, HeadObject).
      storageClass: fields.text("x-amz-storage-class") ?? "STANDARD")
  }
}

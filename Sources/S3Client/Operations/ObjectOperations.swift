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
  private static let looking = "look at"

  /// The answer to a HEAD; nil if there is no object. A server that keeps checksums tells them only when it is asked
  /// (Amazon S3 API Reference, HeadObject).
  func head(
    _ key: ObjectKey, asksChecksum: Bool, _ operation: String = looking
  ) async throws(S3Error) -> HTTPResponse? {
    try checkKey(key, operation)
    var request = S3Request(.head, key, operation: operation)
    if asksChecksum { request.fields.append("x-amz-checksum-mode", "ENABLED") }
    do throws(S3Error) {
      return try await sender.send(request)
    } catch {
      // A HEAD has no body that could tell a missing key from a missing bucket.
      if error.status == 404 { return nil }
      throw error
    }
  }

  /// An object's head with the fields that it was read from, for who carries them over.
  func look(
    at key: ObjectKey, _ operation: String = looking
  ) async throws(S3Error) -> (head: ObjectHead, fields: HTTPResponseFields)? {
    guard let response = try await head(key, asksChecksum: true, operation) else { return nil }
    guard let head = ObjectHead(response) else {
      throw S3Error(unreadable: "it has no Content-Length", response, operation, endpoint.subject(key))
    }
    return (head, response.fields)
  }
}

extension ObjectHead {
  /// nil for an answer to a HEAD that does not tell a size.
  init?(_ response: HTTPResponse) {
    let fields = response.fields
    guard let size = fields.text("content-length").flatMap({ Int64($0) }), size >= 0 else { return nil }
    let prefix = "x-amz-meta-"
    var metadata: [String: String] = [:]
    for (name, value) in fields.all(beginningWith: prefix) {
      metadata[String(name.dropFirst(prefix.utf8.count))] = String(decoding: value, as: UTF8.self)
    }
    self.init(
      size: size, etag: fields.etag, modified: fields.value("last-modified").flatMap { Timestamp(httpDate: $0) },
      contentType: fields.text("content-type") ?? "", metadata: metadata, checksum: Checksum(claimedIn: fields),
      // The header is left out for this one (Amazon S3 API Reference, HeadObject).
      storageClass: fields.text("x-amz-storage-class") ?? "STANDARD")
  }
}

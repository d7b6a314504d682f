import HTTPTransport
import SlipwayModel

/// What a HEAD says of an object.
public struct ObjectHead: Sendable, Hashable {
  /// In bytes.
  public let size: Int64
  /// Without quotes, escaped; empty if there is none.
  public let etag: String

  init(_ response: HTTPResponse) {
    let etag = response.fields.value("etag")?.filter { $0 != UInt8(ascii: "\"") } ?? []
    self.etag = escaped(etag.prefix(256))
    size = response.fields.text("content-length").flatMap { Int64($0) } ?? 0
  }
}

extension S3Client {
  /// Size and ETag of an object; nil if there is none. Idempotent.
  public func headObject(_ key: ObjectKey) async throws(S3Error) -> ObjectHead? {
    try await head(key, asksChecksum: false).map { ObjectHead($0) }
  }

  /// The answer to a HEAD; nil if there is no object. A server that keeps checksums tells them only when it is asked
  /// (Amazon S3 API Reference, HeadObject).
  func head(_ key: ObjectKey, asksChecksum: Bool) async throws(S3Error) -> HTTPResponse? {
    try checkKey(key, "look at")
    var request = S3Request(.head, key, operation: "look at")
    if asksChecksum { request.fields.append("x-amz-checksum-mode", "ENABLED") }
    do throws(S3Error) {
      return try await sender.send(request)
    } catch {
      // A HEAD has no body that could tell a missing key from a missing bucket.
      if error.status == 404 { return nil }
      throw error
    }
  }

  /// The content of an object of at most `limit` bytes, in memory. Idempotent.
  public func getObject(
    _ key: ObjectKey, limit: Int = 1 << 20
  ) async throws(S3Error) -> [UInt8] {
    try checkKey(key, "read")
    var request = S3Request(.get, key, operation: "read")
    request.responseBodyLimit = limit
    return try await sender.send(request).body
  }

  /// Removes an object; that there is none is no error. Idempotent.
  public func deleteObject(_ key: ObjectKey) async throws(S3Error) {
    try checkKey(key, "delete")
    do throws(S3Error) {
      _ = try await sender.send(S3Request(.delete, key, operation: "delete"))
    } catch {
      if error.code != "NoSuchKey" { throw error }
    }
  }
}

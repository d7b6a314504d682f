import HTTPTransport
import SlipwayModel

/// What S3 allows of copies; tests lower it.
struct CopyLimits: Sendable {
  /// What one CopyObject may carry, in bytes (Amazon S3 API Reference, CopyObject).
  var single: Int64 = 5 << 30
  /// What a part has at least, in bytes; the last one may have less.
  var part: Int64 = 256 << 20
  /// How many parts an upload may have.
  var parts: Int64 = 10_000
  /// Requests in flight.
  var window = 8

  /// The size of a part with which an object of `size` bytes has no more parts than it may, in bytes.
  func partSize(for size: Int64) -> Int64 { max(part, (size + parts - 1) / parts) }
}

/// An object that is copied, pinned to what it was when it was first looked at.
struct CopySource: Sendable {
  let client: S3Client
  let key: ObjectKey
  let head: ObjectHead
  /// Of the HEAD.
  let fields: HTTPResponseFields

  /// The value of `x-amz-copy-source`.
  var path: [UInt8] {
    var path = percentEncoded(Array(client.endpoint.bucket.utf8)) + [UInt8(ascii: "/")]
    path.appendPercentEncoded(key.bytes, keepsSlashes: true)
    return path
  }

  /// Names it in a request that copies from it.
  func append(to fields: inout HTTPFields) {
    fields.append("x-amz-copy-source", path)
    if !head.etag.isEmpty { fields.append("x-amz-copy-source-if-match", "\"\(head.etag)\"") }
  }
}

extension S3Client {
  /// Copies an object with its metadata, tags and content headers, without its content passing through this machine:
  /// by one request up to 5 GiB, above in parts. `origin` is the client of the source's bucket, on the same server; nil:
  /// this one's bucket. What is copied is the object that lies at `source` now; if another one is stored there
  /// meanwhile, a transient error (`SourceChanged`). With `etag`, any object with another one is a permanent error
  /// (`PreconditionFailed`). Harmless to repeat. Any task. (Amazon S3 API Reference, CopyObject, UploadPartCopy.)
  ///
  /// Storage class, encryption and ACL are what this client's destination asks for, as for a PUT; where it asks for
  /// nothing, what the target's bucket gives.
  public func copyObject(
    _ source: ObjectKey, of origin: S3Client? = nil, to key: ObjectKey, ifMatch etag: String? = nil
  ) async throws(S3Error) -> PutReceipt {
    try await copyObject(source, of: origin, to: key, ifMatch: etag, limits: CopyLimits())
  }

  func copyObject(
    _ source: ObjectKey, of origin: S3Client? = nil, to key: ObjectKey, ifMatch etag: String? = nil, limits: CopyLimits
  ) async throws(S3Error) -> PutReceipt {
    try checkKey(key, Self.copying)
    let origin = try checkedOrigin(origin ?? self, key)
    guard let found = try await origin.look(at: source, Self.copying) else {
      throw origin.noSuchKey(Self.copying, source)
    }
    try origin.check(found.head, ifMatch: etag, Self.copying, source)
    // What a server claims must not overflow where parts are counted.
    guard found.head.size <= PartPlan.partsMax * PartPlan.partSizeMax else {
      throw origin.problem(
        .permanent, Self.copying, source, code: "EntityTooLarge",
        "it has \(found.head.size) bytes, which is more than an object can have")
    }
    let source = CopySource(client: origin, key: source, head: found.head, fields: found.fields)
    if found.head.size > limits.single { return try await copyInParts(source, to: key, limits) }
    return try await copyWhole(source, to: key)
  }

  static let copying = "copy"

  /// A server can copy what it has itself; another one may have a bucket of the same name.
  private func checkedOrigin(_ origin: S3Client, _ key: ObjectKey) throws(S3Error) -> S3Client {
    let (from, to) = (origin.endpoint, endpoint)
    if from.isAWS, to.isAWS { return origin }
    if from.isAWS == to.isAWS, from.serverAuthority == to.serverAuthority { return origin }
    throw problem(.permanent, Self.copying, key, code: "OtherServer", "its source lies on another server")
  }

  private func copyWhole(_ source: CopySource, to key: ObjectKey) async throws(S3Error) -> PutReceipt {
    var request = S3Request(.put, key, operation: Self.copying)
    source.append(to: &request.fields)
    request.fields.append("x-amz-metadata-directive", "COPY")
    request.fields.append("x-amz-tagging-directive", "COPY")
    fields.appendSettled(to: &request.fields)
    let etag: String
    do throws(S3Error) {
      etag = try await copied(request, from: source, root: "CopyObjectResult")
    } catch {
      throw namingSettled(error)
    }
    return PutReceipt(size: source.head.size, etag: etag, checksum: nil)
  }

  /// Sends a request that copies; the ETag of what was made.
  func copied(_ request: S3Request, from source: CopySource, root: String) async throws(S3Error) -> String {
    var request = request
    request.mayAnswerErrorWith200 = true
    let response: HTTPResponse
    do throws(S3Error) {
      response = try await sender.send(request)
    } catch {
      throw error.status == 412 ? source.client.objectChanged(Self.copying, source.key) : error
    }
    let etag = etagText(try read(response, root, request.key, Self.copying).values["ETag"]?[...])
    if etag.isEmpty { throw unreadable("it has no ETag", response, request.key, Self.copying) }
    return etag
  }
}

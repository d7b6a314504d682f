import Checksums
import HTTPTransport
import SlipwayModel

extension S3Client {
  /// Stores `body` at `key` by one request, and returns once the answer proves that the server holds it as far as the
  /// destination's settings ask for proof. Harmless to repeat. `digests` are those of the body, by this client's
  /// `proof`. Any task.
  nonisolated(nonsending) package func putObject(
    _ key: ObjectKey, _ body: HTTPBody, digests: ContentDigests, attributes: ObjectAttributes = ObjectAttributes(),
    progress: TransferMeter? = nil
  ) async throws(S3Error) -> PutReceipt {
    try check(key, body.count)
    let response = try await sender.send(putRequest(key, body, digests, attributes, progress))
    let etag = try proof.verify(response, digests, Self.uploading, subject: endpoint.subject(key))
    return PutReceipt(size: body.count, etag: etag, checksum: proof.proven(digests))
  }

  /// Stores bytes in memory at `key`; see above.
  nonisolated(nonsending) public func putObject(_ key: ObjectKey, _ bytes: [UInt8]) async throws(S3Error) -> PutReceipt
  {
    let digests: ContentDigests
    do throws(Failure) {
      var hasher = try ContentHasher(proof)
      bytes.withUnsafeBytes { hasher.update($0) }
      digests = try hasher.finalize()
    } catch {
      throw S3Error(error)
    }
    return try await putObject(key, .bytes(bytes), digests: digests)
  }

  /// What one PUT may carry, in bytes (S3 User Guide, limits of uploads).
  package static let singlePutLimit: Int64 = 5 << 30

  private static let uploading = "upload"

  private func check(_ key: ObjectKey, _ size: Int64) throws(S3Error) {
    try checkKey(key, Self.uploading)
    guard size > Self.singlePutLimit else { return }
    throw S3Error(
      Failure(
        .permanent, Self.uploading, endpoint.subject(key), code: "EntityTooLarge",
        cause: "it has \(size) bytes, and one PUT takes at most \(Self.singlePutLimit)"))
  }

  private func putRequest(
    _ key: ObjectKey, _ body: HTTPBody, _ digests: ContentDigests, _ attributes: ObjectAttributes,
    _ progress: TransferMeter?
  ) -> S3Request {
    var request = S3Request(.put, key, operation: Self.uploading)
    appendObjectFields(key, attributes, to: &request.fields)
    appendDigestFields(digests, to: &request)
    request.body = body
    request.progress = progress
    return request
  }

  /// What the server compares a body with.
  func appendDigestFields(_ digests: ContentDigests, to request: inout S3Request) {
    if proof.checksum == .md5, let md5 = digests.md5 { request.fields.append("content-md5", md5.base64Text) }
    if let checksum = proof.checksumField(digests) { request.fields.append(checksum.name, checksum.value) }
    request.payloadHash = digests.sha256.map { .sha256($0) } ?? .unsigned
  }

  /// What an object carries beside its content. It stands in the request that makes the object (Amazon S3 API Reference,
  /// PutObject, CreateMultipartUpload), so that none is ever seen without it.
  func appendObjectFields(_ key: ObjectKey, _ attributes: ObjectAttributes, to fields: inout HTTPFields) {
    fields.append("content-type", ContentTypes.type(of: key))
    for (name, value) in attributes.metadata.sorted(by: { $0.key < $1.key }) {
      fields.append("x-amz-meta-\(name)", Array(value.utf8))
    }
    if attributes.tags.isEmpty { return }
    let tags = CanonicalQuery(attributes.tags.map { ($0.key, Array($0.value.utf8)) })
    fields.append("x-amz-tagging", tags.text)
  }
}

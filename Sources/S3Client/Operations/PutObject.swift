import Checksums
import HTTPTransport
import SlipwayModel

/// An object that is to be stored by one PUT.
struct ObjectUpload {
  let key: ObjectKey
  let body: HTTPBody
  /// Of the body, by the client's proof.
  let digests: ContentDigests
  let attributes: ObjectAttributes
  let token: String?
  let progress: TransferMeter?
}

extension S3Client {
  /// Stores `body` at `key` by one request, or finds that it is there where `overwrite` asks for a look, and returns once
  /// an answer proves that the server holds it as far as the destination's settings ask for proof. Harmless to repeat.
  /// `digests` are those of the body, by this client's `proof`. With `overwrite: never` the token, which stays the same
  /// when the same is sent again and which no other upload has, tells our own object from another's. Any task.
  nonisolated(nonsending) package func putObject(
    _ key: ObjectKey, _ body: HTTPBody, digests: ContentDigests, attributes: ObjectAttributes = ObjectAttributes(),
    token: String? = nil, progress: TransferMeter? = nil
  ) async throws(S3Error) -> PutReceipt {
    try check(key, body.count)
    let upload = ObjectUpload(
      key: key, body: body, digests: digests, attributes: attributes, token: token, progress: progress)
    return overwrite == .always ? try await put(upload, .any) : try await putGuarded(upload)
  }

  /// One PUT.
  nonisolated(nonsending) func put(_ upload: ObjectUpload, _ condition: WriteCondition) async throws(S3Error)
    -> PutReceipt
  {
    let request = try putRequest(upload, condition)
    let response: HTTPResponse
    do throws(S3Error) {
      response = try await sender.send(request)
    } catch {
      throw namingOptions(error, upload.attributes, condition)
    }
    let etag = try proof.verify(response, upload.digests, Self.uploading, subject: endpoint.subject(upload.key))
    return PutReceipt(size: upload.body.count, etag: etag, checksum: proof.proven(upload.digests))
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

  static let uploading = "upload"

  private func check(_ key: ObjectKey, _ size: Int64) throws(S3Error) {
    try checkKey(key, Self.uploading)
    guard size > Self.singlePutLimit else { return }
    throw S3Error(
      Failure(
        .permanent, Self.uploading, endpoint.subject(key), code: "EntityTooLarge",
        cause: "it has \(size) bytes, and one PUT takes at most \(Self.singlePutLimit)"))
  }

  private func putRequest(_ upload: ObjectUpload, _ condition: WriteCondition) throws(S3Error) -> S3Request {
    var request = S3Request(.put, upload.key, operation: Self.uploading)
    try appendObjectFields(upload.key, upload.attributes, token: upload.token, to: &request)
    appendDigestFields(upload.digests, to: &request)
    condition.append(to: &request.fields)
    request.body = upload.body
    request.progress = upload.progress
    return request
  }

  /// What an object is given beside its content, by the request that makes it.
  func appendObjectFields(
    _ key: ObjectKey, _ attributes: ObjectAttributes, token: String?, to request: inout S3Request
  ) throws(S3Error) {
    do throws(Failure) {
      try fields.append(key, attributes, token: token, to: &request.fields, subject: endpoint.subject(key))
    } catch {
      throw S3Error(error)
    }
  }

  /// What the server compares a body with.
  func appendDigestFields(_ digests: ContentDigests, to request: inout S3Request) {
    if proof.checksum == .md5, let md5 = digests.md5 { request.fields.append("content-md5", md5.base64Text) }
    if let checksum = proof.checksumField(digests) { request.fields.append(checksum.name, checksum.value) }
    request.payloadHash = digests.sha256.map { .sha256($0) } ?? .unsigned
  }
}

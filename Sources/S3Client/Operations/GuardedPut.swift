import HTTPTransport
import SlipwayModel

/// PUTs that look before they overwrite: `overwrite: different` and `never`.
///
/// A 409 ConditionalRequestConflict has been sent again by the sender already; a 412 may also be the answer to our own
/// PUT, sent again after its first answer was lost. Both end with another look.
extension S3Client {
  /// How often somebody else may change the object between a look and the PUT.
  private static let lookLimit = 3

  /// What a look has found.
  private enum Finding {
    case nothing
    /// Nothing needs to be sent.
    case delivered(PutReceipt)
    case replaceable(etag: [UInt8])
    case foreign
  }

  func putGuarded(_ upload: ObjectUpload) async throws(S3Error) -> PutReceipt {
    var finding = overwrite == .different ? try await look(at: upload, hasSent: false) : .nothing
    var tried: [UInt8] = []
    for _ in 0..<Self.lookLimit {
      let condition: WriteCondition
      switch finding {
      case .delivered(let receipt): return receipt
      case .foreign: throw taken(upload.key)
      case .nothing: condition = quirks.knowsIfNoneMatch ? .absent : .any
      case .replaceable(let etag):
        condition = replacement(of: etag, tried: tried)
        tried = etag
      }
      do throws(S3Error) {
        return try await put(upload, condition)
      } catch {
        guard condition.hasFailed(error) else { throw error }
        finding = try await look(at: upload, hasSent: true)
      }
    }
    if case .delivered(let receipt) = finding { return receipt }
    if case .foreign = finding { throw taken(upload.key) }
    throw S3Error(
      Failure(
        .transient(retryAfter: nil), Self.uploading, endpoint.subject(upload.key), code: "Conflict",
        cause: "another writer changed the object each time it was about to be replaced"))
  }

  /// The same ETag after a 412 means that nobody changed the object, and that the server compares what stands between the
  /// quotes, as some versions of Ceph do.
  func replacement(of etag: [UInt8], tried: [UInt8]) -> WriteCondition {
    if !quirks.knowsIfMatch || etag.isEmpty { return .any }
    let isBare = quirks.comparesBareETags || etag == tried
    return .unchanged(etag: isBare ? etag.filter { $0 != UInt8(ascii: "\"") } : etag)
  }

  /// An equal object counts as sent where it is our own by its token; without one, once a PUT has been sent, which may
  /// have taken effect although its answer was lost.
  private func look(at upload: ObjectUpload, hasSent: Bool) async throws(S3Error) -> Finding {
    guard let response = try await head(upload.key, asksChecksum: proof.checksumFieldName != nil) else {
      return .nothing
    }
    // Without a size it is nothing that could be equal.
    let head = ObjectHead(response) ?? ObjectHead(size: -1, etag: response.fields.etag)
    let etag = Array(response.fields.value("etag") ?? [])
    let isOurs = upload.token.map { isOwn($0, response) } ?? false
    let comparison = head.size == upload.body.count ? proof.compare(response, upload.digests) : .different
    switch (comparison, overwrite) {
    case (.same(let checksum), _):
      let isSent = upload.token == nil ? hasSent : isOurs
      return .delivered(PutReceipt(size: head.size, etag: head.etag, checksum: checksum, isSent: isSent))
    // Our own PUT, as far as can be seen; the server compared its content with the digests that were sent along.
    case (.unknown, .never) where isOurs:
      return .delivered(PutReceipt(size: head.size, etag: head.etag, checksum: nil))
    case (_, .never): return isOurs ? .replaceable(etag: etag) : .foreign
    case (_, .different), (_, .always): return .replaceable(etag: etag)
    }
  }

  private func isOwn(_ token: String, _ response: HTTPResponse) -> Bool {
    response.fields.value("x-amz-meta-\(ObjectFields.tokenName)")?.elementsEqual(token.utf8) ?? false
  }

  func taken(_ key: ObjectKey) -> S3Error {
    S3Error(
      Failure(
        .permanent, Self.uploading, endpoint.subject(key), code: "ObjectExists",
        cause: "another object is there, and overwrite: never leaves it alone",
        remedy: "delete or rename one of the two"),
      status: 412)
  }
}

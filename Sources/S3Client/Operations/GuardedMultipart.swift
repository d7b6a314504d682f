import HTTPTransport
import SlipwayModel

/// What `overwrite` says of a file that is about to be sent, or completed, in parts.
package enum MultipartDecision: Sendable {
  /// An equal object lies there: nothing needs to be sent.
  case delivered(PutReceipt)
  /// The completion may replace what lies there under this condition.
  case send(WriteCondition)
}

extension S3Client {
  /// Looks at what lies at `key` where `overwrite` asks for it, and sends no request where it does not. `parts` gives the
  /// proofs of the file's parts of `partSize` bytes, as if they had been sent: it is called where an object of the same
  /// size lies there. `tried` is the condition that has just failed. Throws a permanent error where `overwrite: never` leaves another object alone. Idempotent.
  package func decide(
    _ key: ObjectKey, size: Int64, partSize: Int64, after tried: WriteCondition = .any,
    parts: () throws(Failure) -> [MultipartUpload.Part]
  ) async throws(S3Error) -> MultipartDecision {
    if overwrite == .always { return .send(.any) }
    let asksChecksum = proof.checksumFieldName != nil && proof.checksum != .sha256
    guard let response = try await head(key, asksChecksum: asksChecksum) else {
      return .send(quirks.knowsIfNoneMatch ? .absent : .any)
    }
    if ObjectHead(response)?.size == size {
      let held: [MultipartUpload.Part]
      do throws(Failure) { held = try parts() } catch { throw S3Error(error) }
      let whole = try proof.whole(of: held, size: size, partSize: partSize)
      if let receipt = proof.receipt(response, whole, size) { return .delivered(receipt) }
    }
    if overwrite == .never { throw taken(key) }
    let last: [UInt8] = if case .unchanged(let etag) = tried { etag } else { [] }
    return .send(replacement(of: Array(response.fields.value("etag") ?? []), tried: last))
  }
}

extension ContentProof {
  /// The receipt of an object that is shown to be the one of which `whole` is the proof; nil if it is not.
  fileprivate func receipt(_ response: HTTPResponse, _ whole: WholeProof, _ size: Int64) -> PutReceipt? {
    guard let checksum = whole.checksum else { return nil }
    let etag = unquotedETag(response.fields.value("etag"))
    let isSame =
      if let field = whole.field, let value = response.fields.value(field.name) {
        value.elementsEqual(field.value)
      } else if hasMD5ETags, let expected = whole.etag {
        Self.isEqual(etag, expected)
      } else {
        false
      }
    return isSame ? PutReceipt(size: size, etag: etagText(etag), checksum: checksum, isSent: false) : nil
  }
}

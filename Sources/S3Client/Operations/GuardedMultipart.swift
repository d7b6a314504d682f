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
  /// size lies there. `token` is what the tokens of all uploads of this content of this file begin with. `tried` is the
  /// condition that has just failed. Throws a permanent error where `overwrite: never` leaves another object alone.
  /// Idempotent.
  package func decide(
    _ key: ObjectKey, size: Int64, partSize: Int64, token: String, after tried: WriteCondition = .any,
    parts: () throws(Failure) -> [MultipartUpload.Part]
  ) async throws(S3Error) -> MultipartDecision {
    if overwrite == .always { return .send(.any) }
    guard let found = try await find(key) else { return .send(quirks.knowsIfNoneMatch ? .absent : .any) }
    let isOurs = found.token.hasPrefix(token)
    if found.size == size {
      let held: [MultipartUpload.Part]
      do throws(Failure) { held = try parts() } catch { throw S3Error(error) }
      let whole = try proof.whole(of: held, size: size, partSize: partSize)
      if isOurs && !proof.contradicts(found, whole) || proof.shows(found, whole) {
        return .delivered(PutReceipt(size: size, etag: found.etag, checksum: whole.checksum, isSent: isOurs))
      }
    }
    if overwrite == .never, !isOurs { throw taken(key) }
    let last: [UInt8] = if case .unchanged(let etag) = tried { etag } else { [] }
    return .send(replacement(of: found.etagField, tried: last))
  }
}

extension ContentProof {
  /// Whether what the server tells of an object shows that its content is that of which `whole` is the proof.
  fileprivate func shows(_ found: FoundObject, _ whole: WholeProof) -> Bool {
    if let expected = whole.echo, let told = found.checksum { return told == expected }
    guard hasMD5ETags, let expected = whole.etag else { return false }
    return Self.isEqual(Array(found.etag.utf8)[...], expected)
  }
}

import HTTPTransport
import SlipwayModel

/// What lies at a key, as far as it says who wrote it.
struct FoundObject: Sendable, Hashable {
  /// In bytes; -1 if the server does not tell it.
  let size: Int64
  /// Without quotes.
  let etag: String
  /// With them, as it is given back in conditions.
  let etagField: [UInt8]
  /// That of our upload; empty if it is none, or somebody else's.
  let token: String
  /// By the destination's algorithm, as its field has it; nil where the server tells none.
  let checksum: [UInt8]?
}

extension ContentProof {
  /// Whether what the server tells of an object shows that its content is not that of which `whole` is the proof.
  func contradicts(_ found: FoundObject, _ whole: WholeProof) -> Bool {
    if let expected = whole.etag, !Self.isEqual(Array(found.etag.utf8)[...], expected) { return true }
    if let expected = whole.echo, let told = found.checksum { return told != expected }
    return false
  }
}

extension S3Client {
  /// Looks at what lies at `key`; nil if there is nothing. Decides where an answer was lost or odd. Idempotent.
  func find(_ key: ObjectKey) async throws(S3Error) -> FoundObject? {
    let field = proof.checksumFieldName
    guard let response = try await head(key, asksChecksum: field != nil) else { return nil }
    return FoundObject(
      size: ObjectHead(response)?.size ?? -1,
      etag: response.fields.etag, etagField: Array(response.fields.value("etag") ?? []),
      token: response.fields.text("x-amz-meta-\(ObjectFields.tokenName)") ?? "",
      checksum: field.flatMap { response.fields.value($0) }.map { Array($0) })
  }
}

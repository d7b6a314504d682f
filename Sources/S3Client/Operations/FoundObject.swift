import HTTPTransport
import SlipwayModel

/// What lies at a key, as far as it says who wrote it.
struct FoundObject: Sendable, Hashable {
  /// In bytes; -1 if the server does not tell it.
  let size: Int64
  /// Without quotes.
  let etag: String
  /// That of our upload; empty if it is none, or somebody else's.
  let token: String
}

extension S3Client {
  /// Looks at what lies at `key`; nil if there is nothing. Decides where an answer was lost or odd. Idempotent.
  func find(_ key: ObjectKey) async throws(S3Error) -> FoundObject? {
    guard let response = try await head(key, asksChecksum: false) else { return nil }
    return FoundObject(
      size: ObjectHead(response)?.size ?? -1,
      etag: response.fields.etag,
      token: response.fields.text(ObjectFields.tokenField) ?? "")
  }
}

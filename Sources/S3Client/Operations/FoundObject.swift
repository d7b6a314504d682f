import HTTPTransport
import SlipwayModel

/// What lies at a key, as far as it says who wrote it.
struct FoundObject: Sendable, Hashable {
  /// In bytes.
  let size: Int64
  /// Without quotes.
  let etag: String
  /// That of our upload; empty if it is none, or somebody else's.
  let token: String
}

extension S3Client {
  /// The field of an object's metadata that says which upload wrote it.
  static let tokenField = "x-amz-meta-slipway-token"

  /// Looks at what lies at `key`; nil if there is nothing. Decides where an answer was lost or odd. Idempotent.
  func find(_ key: ObjectKey, for operation: String) async throws(S3Error) -> FoundObject? {
    let response: HTTPResponse
    do throws(S3Error) {
      response = try await sender.send(S3Request(.head, key, operation: operation))
    } catch {
      if error.status == 404 { return nil }
      throw error
    }
    guard let size = response.fields.text("content-length").flatMap({ Int64($0) }) else { return nil }
    return FoundObject(
      size: size, etag: ContentProof.text(of: ContentProof.unquoted(response.fields.value("etag"))),
      token: response.fields.text(Self.tokenField) ?? "")
  }
}

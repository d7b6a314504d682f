import HTTPTransport
import SlipwayModel

@testable import S3Client

/// Settings for bucket `b` at a server on this machine, with AWS's example keys.
func exampleSettings() -> S3Destination {
  var settings = S3Destination(bucket: "b")
  settings.endpoint = "http://127.0.0.1:7480"
  settings.credentials = .init(
    accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    sessionToken: nil)
  return settings
}

extension S3Client {
  /// Stores an object with what it carries beside its content.
  func putObject(_ key: String, _ bytes: [UInt8], _ attributes: ObjectAttributes) async throws {
    var hasher = try ContentHasher(proof)
    bytes.withUnsafeBytes { hasher.update($0) }
    _ = try await putObject(
      ObjectKey(key), .bytes(bytes), digests: hasher.finalize(), attributes: attributes)
  }

  /// The keys of the whole bucket, by small pages.
  func allKeys(pageSize: Int = 7) async throws -> [[UInt8]] {
    var keys: [[UInt8]] = []
    for try await entry in ObjectListing(client: self, query: ListQuery(pageSize: pageSize)) {
      keys.append(entry.key.bytes)
    }
    return keys
  }
}

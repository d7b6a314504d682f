import HTTPTransport
import SlipwayModel
import TestSupport

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

/// A client of a scripted server's bucket.
func exampleClient(
  _ server: ScriptedS3Server, bucket: String = "bucket", _ change: (inout S3Destination) -> Void = { _ in }
) throws -> S3Client {
  var settings = S3Destination(bucket: bucket)
  settings.endpoint = server.endpoint
  settings.region = "us-east-1"
  settings.credentials = .init(
    accessKeyID: server.keys.accessKeyID, secretAccessKey: Secret(server.keys.secretAccessKey), sessionToken: nil)
  change(&settings)
  return try S3Client(
    settings, environment: [:], transport: HTTPTransport(), now: { Timestamp.wallClock() },
    retry: RequestRetry(tries: 1))
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

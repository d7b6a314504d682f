import S3Client
import SlipwayModel

/// Publishes what lies below `staging/`, and returns how many objects that were.
func publish(at endpoint: String?, in region: String, environment: [String: String]) async throws -> Int {
  var settings = S3Destination(bucket: "releases")
  settings.endpoint = endpoint
  settings.region = region
  let client = try S3Client(settings, environment: environment)

  _ = try await client.putObject(ObjectKey("staging/notes.txt"), Array("Nothing new.\n".utf8))
  var staged: [ObjectKey] = []
  for try await case .object(let object) in client.listObjects(under: ObjectKey("staging/")) {
    let target = ObjectKey(Array("public/".utf8) + object.key.bytes.dropFirst("staging/".utf8.count))
    // Fails rather than copies another object that somebody stores at this key meanwhile.
    _ = try await client.copyObject(object.key, to: target, ifMatch: object.etag)
    try await client.setObjectTags(target, ["state": "published"])
    staged.append(object.key)
  }
  for left in try await client.deleteObjects(staged) { print(left.failure.message) }
  return staged.count
}

import S3Client
import SlipwayModel

/// Ends multipart uploads that nobody goes on with.
struct StrayUploads {
  let client: S3Client
  let upload: MultipartUpload

  /// How far the server's time of an upload may lie from ours: S3 refuses requests whose clocks are further apart.
  private static let reach = Duration.seconds(15 * 60)

  /// Ends this upload; where its ID was never heard of, whatever was made for it.
  func abandon() async throws(S3Error) {
    if let id = upload.id { try await client.abortMultipartUpload(upload.key, id) } else { try await abort() }
  }

  /// Ends what was made by requests whose answers were lost: uploads of the same key from the same time, without a
  /// part, because none is sent before an upload's ID is written down. The upload itself, where it has an ID, stays.
  func abort() async throws(S3Error) {
    var strays: [MultipartUpload.ID] = []
    try await client.listMultipartUploads(prefix: upload.key.bytes) { page in
      strays += page.filter(isStray).map(\.id)
      // Keys come in order: behind this one there is nothing to look for.
      return page.last.map { $0.key == upload.key } ?? false
    }
    for id in strays where try await isWithoutParts(id) { try await client.abortMultipartUpload(upload.key, id) }
  }

  private func isStray(_ listed: ListedUpload) -> Bool {
    let age = listed.initiated - upload.begun
    return listed.key == upload.key && listed.id != upload.id && age > .zero - Self.reach && age < Self.reach
  }

  private func isWithoutParts(_ id: MultipartUpload.ID) async throws(S3Error) -> Bool {
    do throws(S3Error) {
      return try await client.listParts(upload.key, id, limit: 1).isEmpty
    } catch {
      if S3Client.isOver(error) { return false }
      throw error
    }
  }
}

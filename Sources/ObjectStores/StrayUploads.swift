import S3Client
import SlipwayModel

/// Ends multipart uploads whose IDs were never heard of.
struct StrayUploads {
  let client: S3Client
  let request: UnansweredUpload

  /// Ends uploads of the same key from the same time, without a part, because none is sent before an upload's ID is
  /// written down. Of such an upload it is written down before it is asked for that it is under way: therefore what was
  /// listed is another's only if `isInUse` says so behind the listing.
  func abort(unless isInUse: () async throws(Failure) -> Bool) async throws(S3Error) {
    let listed = try await list()
    if listed.isEmpty { return }
    do throws(Failure) {
      if try await isInUse() { return }
    } catch {
      throw S3Error(error)
    }
    for id in listed where try await isWithoutParts(id) { try await client.abortMultipartUpload(request.key, id) }
  }

  private func list() async throws(S3Error) -> [MultipartUpload.ID] {
    var strays: [MultipartUpload.ID] = []
    try await client.listMultipartUploads(prefix: request.key.bytes) { page in
      strays += page.filter(isStray).map(\.id)
      return page.last.map { !isBehind($0.key) } ?? false
    }
    return strays
  }

  private func isStray(_ listed: ListedUpload) -> Bool {
    listed.key == request.key && request.mayHaveBegun(at: listed.initiated)
  }

  /// Whether nothing that comes after `key`, which begins with ours, can be ours: keys come in order. Ceph's gateway orders
  /// them with a dot and the upload's ID behind, so that `a-b` comes before `a`.
  private func isBehind(_ key: ObjectKey) -> Bool {
    key.bytes.dropFirst(request.key.bytes.count).first.map { $0 > UInt8(ascii: ".") } ?? false
  }

  private func isWithoutParts(_ id: MultipartUpload.ID) async throws(S3Error) -> Bool {
    do throws(S3Error) {
      return try await client.listParts(request.key, id, limit: 1).isEmpty
    } catch {
      if S3Client.isOver(error) { return false }
      throw error
    }
  }
}

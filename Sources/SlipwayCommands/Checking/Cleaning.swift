import S3Client
import SlipwayModel

/// Ends the old multipart uploads of one destination.
struct Cleaning {
  let client: S3Client
  let destination: Destination
  let prefix: ObjectKey
  /// Younger uploads are left alone.
  let before: Timestamp
  /// What runs will go on with.
  let inUse: Set<MultipartUpload.ID>
  let isDryRun: Bool

  /// One upload that was to be ended.
  struct Line {
    let destination: DestinationName
    let upload: ListedUpload
    let hasEnded: Bool
    let problem: Failure?

    var text: String { "\(destination): \(upload.key), begun \(CalendarDate(upload.initiated).extendedFormat)" }

    var json: String {
      String(
        decoding: JSONText.object([
          "destination": JSONText.string(destination.text), "key": JSONText.string(upload.key.bytes),
          "upload_id": JSONText.string(upload.id.text),
          "begun": JSONText.string(CalendarDate(upload.initiated).extendedFormat), "ended": JSONText.bool(hasEnded),
          "error": JSONText.string(problem?.message ?? ""),
        ]), as: UTF8.self)
    }
  }

  struct Summary {
    let destination: DestinationName
    var ended = 0
    var failed = 0
    var younger = 0
    var inUse = 0

    func text(isDryRun: Bool) -> String {
      let left = [
        younger > 0 ? "\(younger) younger" : nil, inUse > 0 ? "\(inUse) in use" : nil,
        failed > 0 ? "\(failed) could not be ended" : nil,
      ].compactMap { $0 }
      let head = "\(destination): \(ended) \(ended == 1 ? "upload" : "uploads") \(isDryRun ? "to end" : "ended")"
      return head + (left.isEmpty ? "" : "; left: \(left.joined(separator: ", "))")
    }
  }

  /// Calls `tell` for each upload that is ended, or would be. Throws if they cannot be listed.
  func run(_ tell: (Line) -> Void) async throws(Failure) -> Summary {
    var summary = Summary(destination: destination.name)
    var old: [ListedUpload] = []
    do throws(S3Error) {
      try await client.listMultipartUploads(prefix: prefix.bytes) { page in
        summary.inUse += page.count { inUse.contains($0.id) }
        let others = page.filter { !inUse.contains($0.id) }
        summary.younger += others.count { $0.initiated > before }
        old += others.filter { $0.initiated <= before }
        return old.count < Self.uploadsMax
      }
    } catch {
      throw error.failure
    }
    for upload in old {
      let problem = isDryRun ? nil : await end(upload)
      if problem == nil { summary.ended += 1 } else { summary.failed += 1 }
      tell(Line(destination: destination.name, upload: upload, hasEnded: !isDryRun && problem == nil, problem: problem))
    }
    return summary
  }

  /// So many are ended at the most by one call: the next one goes on.
  private static let uploadsMax = 100_000

  private func end(_ upload: ListedUpload) async -> Failure? {
    do throws(S3Error) {
      try await client.abortMultipartUpload(upload.key, upload.id)
      return nil
    } catch {
      return error.failure
    }
  }
}

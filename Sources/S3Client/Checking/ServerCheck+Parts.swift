import HTTPTransport
import SlipwayModel

/// Whether large files can be sent in parts, gone on with after an interruption, and ended.
extension ServerCheck {
  func parts() async -> [CheckFinding] {
    var findings: [CheckFinding] = []
    let error = await attempt { client throws(S3Error) in
      let id = try await client.createMultipartUpload(key, token: "check", attributes: ObjectAttributes()) {}
      findings = [CheckFinding(.ok, "parts", "large files can be sent in parts")]
      // Ended whatever the listing brings.
      let steps = await [resuming(client, id), ending(client, id)]
      findings += steps.compactMap { $0 }
    }
    guard let error else { return findings + [await tagsOfParts()].compactMap { $0 } }
    if error.isPassing { return [open("parts", error)] }
    return [
      CheckFinding(
        .note, "parts", "multipart uploads are refused: \(error.failure.cause)",
        remedy: "multipart_threshold: 5GiB fits")
    ]
  }

  /// nil if what is sent in parts has its tags, and where that cannot be seen.
  private func tagsOfParts() async -> CheckFinding? {
    var isForgotten = false
    let error = await attempt {
      $0.tags = ["slipway": "check"]
    } _: { client throws(S3Error) in
      try await storeInParts(client)
      try await client.restoreTags(key, ObjectAttributes())
      isForgotten = try await areLost(client)
    }
    if let error { return error.isPassing ? open("tags of parts", error) : nil }
    guard isForgotten else { return nil }
    return CheckFinding(
      .note, "tags of parts", "what is sent in parts has lost its tags",
      remedy: "server: ceph fits, which puts them by a request of their own")
  }

  private func areLost(_ client: S3Client) async throws(S3Error) -> Bool {
    do throws(S3Error) {
      return try await client.objectTags(key).isEmpty
    } catch {
      // Ceph's gateway answers 200 and nothing then.
      if error.status == 200 { return true }
      throw error
    }
  }

  /// The probe object once more, as one part.
  private func storeInParts(_ client: S3Client) async throws(S3Error) {
    let size = Int64(Self.content.count)
    let token = "check-\(String(UInt64.random(in: .min ... .max), radix: 16))"
    var upload = MultipartUpload(
      run: RunID(at: now(), entropy: (0, 0)), destination: DestinationName("check"), path: .here, key: key,
      fingerprint: Fingerprint(device: 0, inode: 0, size: size, modified: 0, changed: 0), token: token, partSize: size,
      begun: now())
    let id = try await client.createMultipartUpload(key, token: token, attributes: ObjectAttributes()) {}
    upload.id = id
    do throws(S3Error) {
      let digests = try Self.digests(for: client)
      upload.parts = [
        try await client.uploadPart(1, of: upload, .bytes(Self.content), digests: digests, progress: nil)
      ]
      _ = try await client.completeMultipartUpload(upload, size: size)
    } catch {
      // Why it failed tells more than why it cannot be ended.
      try? await client.abortMultipartUpload(key, id)
      throw error
    }
  }

  /// nil if it can be seen which parts have arrived.
  private func resuming(_ client: S3Client, _ id: MultipartUpload.ID) async -> CheckFinding? {
    do throws(S3Error) {
      _ = try await client.listParts(key, id, limit: 1)
      return nil
    } catch {
      if error.isPassing { return open("resuming", error) }
      return CheckFinding(
        .note, "resuming",
        error.isForbidden
          ? "these credentials may not list an upload's parts: s3:ListMultipartUploadParts is missing"
          : "the parts of an upload cannot be listed: \(error.failure.cause)",
        remedy: error.isForbidden
          ? "uploads do without, but learn only at the end which parts of an interrupted one the server has lost, and "
            + "then begin anew; allow it for large files"
          : "large files that are interrupted cannot go on")
    }
  }

  /// nil if nothing is left of the upload.
  private func ending(_ client: S3Client, _ id: MultipartUpload.ID) async -> CheckFinding? {
    do throws(S3Error) {
      try await client.abortMultipartUpload(key, id)
      return nil
    } catch {
      guard error.isForbidden else {
        return CheckFinding(
          .note, "ending", "the unfinished upload of \(key) may still be there: \(error.failure.cause)",
          remedy: "slipway cleanup ends it")
      }
      return CheckFinding(
        .note, "ending",
        "these credentials may not end an upload: s3:AbortMultipartUpload is missing, and the probe's of \(key) stays",
        remedy: "allow it, or let a lifecycle rule of the bucket end what is unfinished: its parts cost money")
    }
  }
}

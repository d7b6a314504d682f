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
    guard let error else { return findings }
    if error.isPassing { return [open("parts", error)] }
    return [
      CheckFinding(
        .note, "parts", "multipart uploads are refused: \(error.failure.cause)",
        remedy: "multipart_threshold: 5GiB fits")
    ]
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

import SlipwayModel

/// What uploads need, and what they do without if they must.
extension ServerCheck {
  func place(of client: S3Client) -> CheckFinding {
    let endpoint = client.endpoint
    return CheckFinding(
      .ok, "server", "\(endpoint.isEncrypted ? "https" : "http")://\(endpoint.authority), region \(endpoint.region)")
  }

  /// Who we are: the ID of the keys and where they lie, and at AWS whose they are.
  func identity(of client: S3Client) async -> [CheckFinding] {
    let report = await client.credentialReport()
    let earlier = report.lacks.isEmpty ? "" : "; asked before: \(report.lacksText)"
    guard let source = report.answered, let id = await client.accessKeyID() else {
      return [
        CheckFinding(
          .failed, "credentials", "there are none\(earlier)",
          remedy: "set credentials at the destination, or AWS_PROFILE in the environment")
      ]
    }
    let keys = CheckFinding(.ok, "credentials", "\(escaped(id.utf8)) of \(source)\(earlier)")
    do throws(Failure) {
      guard let arn = try await client.callerARN() else { return [keys] }
      return [keys, CheckFinding(.ok, "account", arn)]
    } catch {
      return [keys, CheckFinding(.note, "account", "AWS does not tell whose keys these are: \(error.cause)")]
    }
  }

  /// nil where these credentials may not look at it.
  func bucket(_ client: S3Client) async throws(S3Error) -> CheckFinding? {
    let head: BucketHead?
    do throws(S3Error) { head = try await client.headBucket() } catch {
      if error.isForbidden { return nil }
      throw error
    }
    guard let head else {
      throw S3Error(
        Failure(
          .blocked, "bucket", settings.bucket, code: "NoSuchBucket", cause: "there is no bucket \(settings.bucket)",
          remedy: "create it, or correct bucket at the destination"))
    }
    guard !head.region.isEmpty, head.region != client.endpoint.region, client.endpoint.isAWS else {
      return CheckFinding(.ok, "bucket", settings.bucket)
    }
    return CheckFinding(
      .note, "bucket", "\(settings.bucket) lies in \(head.region)", remedy: "set region: \(head.region)")
  }

  var hiddenBucket: CheckFinding {
    CheckFinding(
      .note, "bucket", "these credentials may not look at \(settings.bucket): s3:ListBucket is missing",
      remedy: "uploads do without; allow it for overwrite: different, which must see that nothing lies at a key")
  }

  func storing(_ client: S3Client) async throws(S3Error) -> CheckFinding {
    let receipt = try await client.putObject(key, Self.content)
    let proof = receipt.checksum.map { "proven by \($0.algorithm.rawValue)" } ?? "without proof"
    return CheckFinding(.ok, "storing", "a probe object was stored, \(proof)")
  }

  /// nil if what was stored can be seen.
  func looking(_ client: S3Client) async -> CheckFinding? {
    do throws(S3Error) {
      if try await client.headObject(key)?.size == Int64(Self.content.count) { return nil }
      return CheckFinding(.failed, "looking", "what was stored cannot be looked at afterwards")
    } catch {
      guard error.isForbidden else { return open("looking", error) }
      return CheckFinding(
        .note, "looking", "these credentials may not look at objects: s3:GetObject is missing",
        remedy: "uploads do without, but send again what an answer was lost of; allow it for overwrite: different and "
          + "never")
    }
  }

  func deleting(_ client: S3Client) async -> CheckFinding {
    do throws(S3Error) {
      try await client.deleteObject(key)
      return CheckFinding(.ok, "deleting", "the probe object is gone again")
    } catch {
      guard error.isForbidden else {
        return CheckFinding(
          .note, "deleting", "the probe object \(key) may still be there: \(error.failure.cause)", remedy: "delete it")
      }
      return CheckFinding(
        .note, "deleting",
        "these credentials may not delete: s3:DeleteObject is missing, and the probe object \(key) stays",
        remedy: "uploads do without; delete it with other credentials")
    }
  }
}

import HTTPTransport
import SlipwayModel

/// What settings can make use of.
extension ServerCheck {
  func checksums() async -> CheckFinding {
    var (known, unknown, open) = ([String](), [String](), [(name: String, error: S3Error)]())
    for kind: S3Destination.Checksum in [.crc64nvme, .crc32c, .sha256, .md5] {
      let error = await attempt {
        $0.checksum = kind
        $0.verifyETag = nil
      } _: { client throws(S3Error) in
        _ = try await client.putObject(key, Self.content)
      }
      switch error {
      case nil: known.append(kind.rawValue)
      case let error? where error.isPassing: open.append((kind.rawValue, error))
      case _?: unknown.append(kind.rawValue)
      }
    }
    if let last = open.last {
      let text = "proven: \(Self.list(known)); not: \(Self.list(unknown)); could not be tried: "
      return CheckFinding(
        .note, "checksums", text + "\(Self.list(open.map(\.name))) (\(last.error.failure.cause))", remedy: Self.again)
    }
    if unknown.isEmpty { return CheckFinding(.ok, "checksums", "proven: \(Self.list(known))") }
    let fitting = known.contains("crc64nvme") ? "crc64nvme" : known.contains("md5") ? "md5" : known.first ?? "none"
    return CheckFinding(
      .note, "checksums", "proven: \(Self.list(known)); not: \(Self.list(unknown))", remedy: "checksum: \(fitting) fits"
    )
  }

  private static func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }

  func conditions() async -> CheckFinding {
    let (absent, match): (Bool, Bool)
    do throws(S3Error) {
      absent = try await holds(.absent)
      match = try await holds(.unchanged(etag: Array("\"00000000000000000000000000000000\"".utf8)))
    } catch {
      return open("conditions", error)
    }
    switch (absent, match) {
    case (true, true): return CheckFinding(.ok, "conditions", "If-None-Match and If-Match are honoured")
    case (true, false):
      return CheckFinding(
        .note, "conditions", "If-None-Match is honoured, If-Match is not", remedy: "overwrite: never fits")
    case (false, true):
      return CheckFinding(
        .note, "conditions", "If-Match is honoured, If-None-Match is not",
        remedy: "overwrite: different fits where no two writers begin the same key")
    case (false, false):
      return CheckFinding(
        .note, "conditions", "conditional writes are not honoured",
        remedy: "leave overwrite: always; nothing keeps two writers apart here")
    }
  }

  /// Whether a condition that does not hold keeps the object as it is. Throws what leaves that open.
  private func holds(_ condition: WriteCondition) async throws(S3Error) -> Bool {
    let error = await attempt { client throws(S3Error) in
      let digests = try Self.digests(for: client)
      let upload = ObjectUpload(
        key: key, body: .bytes(Self.content), digests: digests, attributes: ObjectAttributes(), token: nil,
        progress: nil)
      _ = try await client.put(upload, condition)
    }
    // AWS asks for s3:GetObject where a condition has an ETag.
    if let error, error.isPassing || error.isForbidden { throw error }
    return error?.status == 412
  }

  /// Of the probe object's content.
  static func digests(for client: S3Client) throws(S3Error) -> ContentDigests {
    do throws(Failure) {
      var hasher = try ContentHasher(client.proof)
      content.withUnsafeBytes { hasher.update($0) }
      return try hasher.finalize()
    } catch {
      throw S3Error(error)
    }
  }

  func tags() async -> CheckFinding {
    let error = await attempt {
      $0.tags = ["slipway": "check"]
    } _: { client throws(S3Error) in
      _ = try await client.putObject(key, Self.content)
    }
    guard let error else { return CheckFinding(.ok, "tags", "an upload takes tags with it") }
    if error.isPassing { return open("tags", error) }
    return CheckFinding(
      .note, "tags", "tags are refused: \(error.failure.cause)",
      remedy: (error.isForbidden ? "allow s3:PutObjectTagging, or " : "") + "leave tags out, also in pre hooks")
  }

  /// How far clocks may be apart without a word: S3 refuses more than fifteen minutes.
  private static let skewMax = Duration.seconds(60)

  func clock() async -> CheckFinding {
    var answered: Timestamp?
    let error = await attempt { client throws(S3Error) in
      answered = try await client.head(key, asksChecksum: false)?.fields.value("date").flatMap {
        Timestamp(httpDate: $0)
      }
    }
    if let error { return open("clock", error) }
    guard let answered else { return CheckFinding(.note, "clock", "the server does not tell its time") }
    let skew = now() - answered
    let apart = skew < .zero ? .zero - skew : skew
    if apart < Self.skewMax {
      return CheckFinding(.ok, "clock", "within \(Self.skewMax.components.seconds) s of the server's")
    }
    return CheckFinding(
      .note, "clock", "\(apart.components.seconds) s \(skew > .zero ? "ahead of" : "behind") the server's",
      remedy: "set this machine's clock; requests are signed with the server's time meanwhile")
  }
}

import HTTPTransport
import SlipwayModel

/// Talks to the server of a destination, and tells what it can do and which settings fit. Stores small objects under a
/// name of its own below the destination's prefix, and removes them.
package struct ServerCheck: Sendable {
  private let settings: S3Destination
  private let environment: [String: String]
  private let transport: any HTTPSender
  private let patterns: any PatternCompiler
  private let now: @Sendable () -> Timestamp
  private let key: ObjectKey

  /// Where the probe object lies: no other object is touched.
  package init(
    _ settings: S3Destination, prefix: [UInt8], name: String, environment: [String: String],
    transport: any HTTPSender, patterns: any PatternCompiler, now: @escaping @Sendable () -> Timestamp
  ) {
    self.settings = settings
    self.environment = environment
    self.transport = transport
    self.patterns = patterns
    self.now = now
    key = joinedKey(prefix, Array(".slipway-check-\(name)".utf8))
  }

  /// Calls `tell` for each thing in turn, and ends where nothing more can be asked. Any task.
  package func run(_ tell: (CheckFinding) -> Void) async {
    do throws(Failure) {
      let client = try client()
      tell(place(of: client))
      tell(await credentials(of: client))
      do throws(S3Error) {
        tell(try await bucket(client))
        tell(try await storing(client))
        for finding in await [checksums(), conditions(), parts(), tags(), clock()] { tell(finding) }
        try await client.deleteObject(key)
        tell(CheckFinding(.ok, "deleting", "the probe object is gone again"))
      } catch {
        throw error.failure
      }
    } catch {
      tell(CheckFinding(.failed, error.operation, error.cause, remedy: error.remedy))
    }
  }

  /// The contents of the probe object.
  private static let content = Array("slipway check\n".utf8)
  /// How far clocks may be apart without a word: S3 refuses more than fifteen minutes.
  private static let skewMax = Duration.seconds(60)

  /// A client with other settings; few tries, since somebody waits.
  private func client(_ change: (inout S3Destination) -> Void = { _ in }) throws(Failure) -> S3Client {
    var changed = settings
    changed.overwrite = .always
    change(&changed)
    return try S3Client(
      changed, environment: environment, transport: transport, now: now, retry: RequestRetry(tries: 2),
      patterns: patterns)
  }

  /// Whether it goes well with these settings; otherwise the error.
  private func attempt(
    _ change: (inout S3Destination) -> Void, _ body: (S3Client) async throws(S3Error) -> Void
  ) async -> S3Error? {
    do throws(S3Error) {
      let client: S3Client
      do throws(Failure) { client = try self.client(change) } catch { throw S3Error(error) }
      try await body(client)
      return nil
    } catch {
      return error
    }
  }
}

/// What nothing goes without.
extension ServerCheck {
  private func place(of client: S3Client) -> CheckFinding {
    let endpoint = client.endpoint
    return CheckFinding(
      .ok, "server", "\(endpoint.isEncrypted ? "https" : "http")://\(endpoint.authority), region \(endpoint.region)")
  }

  private func credentials(of client: S3Client) async -> CheckFinding {
    let report = await client.credentialReport()
    let earlier = report.lacks.isEmpty ? "" : "; asked before: \(report.lacksText)"
    if let source = report.answered { return CheckFinding(.ok, "credentials", "of \(source)\(earlier)") }
    return CheckFinding(
      .failed, "credentials", "there are none\(earlier)",
      remedy: "set credentials at the destination, or AWS_PROFILE in the environment")
  }

  private func bucket(_ client: S3Client) async throws(S3Error) -> CheckFinding {
    guard let head = try await client.headBucket() else {
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

  private func storing(_ client: S3Client) async throws(S3Error) -> CheckFinding {
    let receipt = try await client.putObject(key, Self.content)
    let head = try await client.headObject(key)
    guard head?.size == Int64(Self.content.count) else {
      throw S3Error(
        Failure(.blocked, "storing", settings.bucket, cause: "what was stored cannot be looked at afterwards"))
    }
    let proof = receipt.checksum.map { "proven by \($0.algorithm.rawValue)" } ?? "without proof"
    return CheckFinding(.ok, "storing", "a probe object was stored, \(proof)")
  }
}

/// What settings can make use of.
extension ServerCheck {
  private func checksums() async -> CheckFinding {
    var (known, unknown) = ([String](), [String]())
    for kind: S3Destination.Checksum in [.crc64nvme, .crc32c, .sha256, .md5] {
      let error = await attempt {
        $0.checksum = kind
        $0.verifyETag = nil
      } _: { client throws(S3Error) in
        _ = try await client.putObject(key, Self.content)
      }
      if error == nil { known.append(kind.rawValue) } else { unknown.append(kind.rawValue) }
    }
    let text = "proven: \(Self.list(known)); not: \(Self.list(unknown))"
    if unknown.isEmpty { return CheckFinding(.ok, "checksums", "proven: \(Self.list(known))") }
    let fitting = known.contains("crc64nvme") ? "crc64nvme" : known.contains("md5") ? "md5" : known.first ?? "none"
    return CheckFinding(.note, "checksums", text, remedy: "checksum: \(fitting) fits")
  }

  private static func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }

  private func conditions() async -> CheckFinding {
    let absent = await holds(.absent)
    let match = await holds(.unchanged(etag: Array("\"00000000000000000000000000000000\"".utf8)))
    switch (absent, match) {
    case (true, true): return CheckFinding(.ok, "conditions", "If-None-Match and If-Match are honoured")
    case (true, false):
      return CheckFinding(
        .note, "conditions", "If-None-Match is honoured, If-Match is not", remedy: "overwrite: never fits")
    default:
      return CheckFinding(
        .note, "conditions", "conditional writes are not honoured",
        remedy: "leave overwrite: always; nothing keeps two writers apart here")
    }
  }

  /// Whether a condition that does not hold keeps the object as it is.
  private func holds(_ condition: WriteCondition) async -> Bool {
    let error = await attempt({ _ in }) { client throws(S3Error) in
      let digests: ContentDigests
      do throws(Failure) {
        var hasher = try ContentHasher(client.proof)
        Self.content.withUnsafeBytes { hasher.update($0) }
        digests = try hasher.finalize()
      } catch {
        throw S3Error(error)
      }
      let upload = ObjectUpload(
        key: key, body: .bytes(Self.content), digests: digests, attributes: ObjectAttributes(), token: nil,
        progress: nil)
      _ = try await client.put(upload, condition)
    }
    return error?.status == 412
  }

  private func parts() async -> CheckFinding {
    let error = await attempt({ _ in }) { client throws(S3Error) in
      let id = try await client.createMultipartUpload(key, token: "check", attributes: ObjectAttributes()) {}
      try await client.abortMultipartUpload(key, id)
    }
    guard let error else { return CheckFinding(.ok, "parts", "large files can be sent in parts") }
    return CheckFinding(
      .note, "parts", "multipart uploads are refused: \(error.failure.cause)", remedy: "multipart_threshold: 5GiB fits")
  }

  private func tags() async -> CheckFinding {
    let error = await attempt {
      $0.tags = ["slipway": "check"]
    } _: { client throws(S3Error) in
      _ = try await client.putObject(key, Self.content)
    }
    guard let error else { return CheckFinding(.ok, "tags", "an upload takes tags with it") }
    return CheckFinding(
      .note, "tags", "tags are refused: \(error.failure.cause)", remedy: "leave tags out, also in pre hooks")
  }

  private func clock() async -> CheckFinding {
    var answered: Timestamp?
    _ = await attempt({ _ in }) { client throws(S3Error) in
      answered = try await client.head(key, asksChecksum: false)?.fields.value("date").flatMap {
        Timestamp(httpDate: $0)
      }
    }
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

import SlipwayModel

/// Judges AWS Signature Version 4 in the Authorization header, as S3 does: once encoded paths, every `x-amz-` header
/// signed, the clock within fifteen minutes.
struct SignatureCheck {
  let keys: ScriptedS3Server.Keys
  let region: String
  let allowsUnsignedPayload: Bool
  let now: Timestamp

  /// What is wrong with the request's head; nil if nothing is.
  func refusal(of request: RecordedRequest) -> S3Error? {
    guard let authorization = request.header("authorization") else { return S3Error(403, "AccessDenied") }
    guard let parts = Self.parts(of: authorization) else {
      return S3Error(400, "AuthorizationHeaderMalformed", "The Authorization header cannot be read.")
    }
    return scopeRefusal(parts) ?? dateRefusal(request, parts) ?? payloadRefusal(request)
      ?? headerRefusal(request, parts) ?? signatureRefusal(request, parts)
  }

  /// What is wrong with the body, by `x-amz-content-sha256` and Content-MD5; nil if nothing is.
  static func refusal(ofBody body: [UInt8], in request: RecordedRequest) -> S3Error? {
    let declared = request.header("x-amz-content-sha256") ?? ""
    if declared != "UNSIGNED-PAYLOAD", declared != hexadecimal(Digests.sha256(body)) {
      return S3Error(400, "XAmzContentSHA256Mismatch", "The body is not what x-amz-content-sha256 says.")
    }
    guard let md5 = request.header("content-md5") else { return nil }
    guard let expected = Base64.decoded(md5), expected.count == 16 else { return S3Error(400, "InvalidDigest") }
    return expected == Digests.md5(body) ? nil : S3Error(400, "BadDigest", "The body is not what Content-MD5 says.")
  }

  private struct Parts {
    var accessKeyID: String
    var date: String
    var region: String
    var service: String
    var terminator: String
    var signedHeaders: [String]
    var signature: String
  }

  private static func parts(of authorization: String) -> Parts? {
    let pattern =
      /AWS4-HMAC-SHA256 +Credential=([^,\/]+)\/(\d{8})\/([^,\/]+)\/([^,\/]+)\/([^,\/]+), *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})/
    guard let match = authorization.wholeMatch(of: pattern)?.output else { return nil }
    return Parts(
      accessKeyID: String(match.1), date: String(match.2), region: String(match.3), service: String(match.4),
      terminator: String(match.5), signedHeaders: match.6.split(separator: ";").map(String.init),
      signature: String(match.7))
  }

  private func scopeRefusal(_ parts: Parts) -> S3Error? {
    if parts.accessKeyID != keys.accessKeyID { return S3Error(403, "InvalidAccessKeyId") }
    if parts.service != "s3" || parts.terminator != "aws4_request" {
      return S3Error(400, "AuthorizationHeaderMalformed", "The scope is not that of S3.")
    }
    if parts.region != region {
      return S3Error(
        400, "AuthorizationHeaderMalformed",
        "The authorization header is malformed; the region '\(parts.region)' is wrong; expecting '\(region)'",
        extra: "<Region>\(region)</Region>")
    }
    return nil
  }

  private func dateRefusal(_ request: RecordedRequest, _ parts: Parts) -> S3Error? {
    guard let date = request.header("x-amz-date"), let moment = Self.moment(of: date), date.hasPrefix(parts.date) else {
      return S3Error(403, "AccessDenied", "x-amz-date is missing, or not of the scope's day.")
    }
    let skew = moment - now
    return skew.nanoseconds.magnitude > 900 * 1_000_000_000 ? S3Error(403, "RequestTimeTooSkewed") : nil
  }

  /// Reads `20130524T000000Z`.
  private static func moment(of text: String) -> Timestamp? {
    guard let match = text.wholeMatch(of: /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/)?.output else { return nil }
    let fields = [match.1, match.2, match.3, match.4, match.5, match.6].compactMap { Int64($0) }
    guard fields.count == 6, (1...12).contains(fields[1]) else { return nil }
    // Days since 1970 by counting leap days; March begins the year, so that the leap day is its last.
    let year = fields[1] > 2 ? fields[0] : fields[0] - 1
    let month = (fields[1] + 9) % 12
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + fields[2] - 1 - 719_468
    return Timestamp(seconds: days * 86_400 + fields[3] * 3600 + fields[4] * 60 + fields[5])
  }

  private func payloadRefusal(_ request: RecordedRequest) -> S3Error? {
    let encoding = request.header("content-encoding") ?? ""
    guard let payload = request.header("x-amz-content-sha256") else {
      return S3Error(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    }
    if payload.hasPrefix("STREAMING-") || encoding.contains("aws-chunked") {
      return S3Error(501, "NotImplemented", "aws-chunked is not known here.")
    }
    if payload == "UNSIGNED-PAYLOAD", !allowsUnsignedPayload {
      return S3Error(400, "InvalidRequest", "Over plain http the payload must be signed.")
    }
    return nil
  }

  private func headerRefusal(_ request: RecordedRequest, _ parts: Parts) -> S3Error? {
    let signed = Set(parts.signedHeaders)
    let unsigned = request.headers.first { $0.name.hasPrefix("x-amz-") && !signed.contains($0.name) }?.name
    if let unsigned { return S3Error(403, "AccessDenied", "The header \(unsigned) is not signed.") }
    if !signed.contains("host") { return S3Error(403, "AccessDenied", "The header host is not signed.") }
    if parts.signedHeaders != parts.signedHeaders.sorted() {
      return S3Error(403, "SignatureDoesNotMatch", "SignedHeaders is not sorted.")
    }
    if keys.sessionToken != request.header("x-amz-security-token") { return S3Error(400, "InvalidToken") }
    return nil
  }

  private func signatureRefusal(_ request: RecordedRequest, _ parts: Parts) -> S3Error? {
    let canonical = canonicalRequest(request, parts)
    let scope = "\(parts.date)/\(parts.region)/\(parts.service)/\(parts.terminator)"
    let toSign = [
      "AWS4-HMAC-SHA256", request.header("x-amz-date") ?? "", scope,
      hexadecimal(Digests.sha256(Array(canonical.utf8))),
    ].joined(separator: "\n")
    var key = Array("AWS4\(keys.secretAccessKey)".utf8)
    for step in [parts.date, parts.region, parts.service, parts.terminator, toSign] {
      key = Digests.hmac(key: key, Array(step.utf8))
    }
    if hexadecimal(key) == parts.signature { return nil }
    return S3Error(403, "SignatureDoesNotMatch", "The canonical request is: \(canonical)")
  }

  private func canonicalRequest(_ request: RecordedRequest, _ parts: Parts) -> String {
    let path = request.target.utf8.prefix { $0 != UInt8(ascii: "?") }
    let query = request.query.map { pair in
      [pair.name, pair.value].map { Array(PercentCoding.encoded($0.utf8, keepingSlashes: false).utf8) }
    }.sorted { $0[0] == $1[0] ? $0[1].precedes($1[1]) : $0[0].precedes($1[0]) }
    let headers = parts.signedHeaders.map { name in
      let values = request.headers.filter { $0.name == name }.map(\.value)
      return "\(name):\(values.joined(separator: ","))\n"
    }
    return [
      request.method, PercentCoding.encoded(PercentCoding.decoded(path) ?? [], keepingSlashes: true),
      query.map { String(decoding: Array($0.joined(separator: [UInt8(ascii: "=")])), as: UTF8.self) }.joined(
        separator: "&"),
      headers.joined(),
      parts.signedHeaders.joined(separator: ";"), request.header("x-amz-content-sha256") ?? "",
    ].joined(separator: "\n")
  }
}

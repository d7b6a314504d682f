import Checksums
import HTTPTransport
import SlipwayModel

/// How a destination proves that it holds what was sent.
package struct ContentProof: Sendable, Hashable {
  let checksum: S3Destination.Checksum
  let verifiesETag: Bool
  /// Over plain http the payload's hash is always signed, so that nobody between can change it.
  let signsPayload: Bool
  /// Whether an ETag of 32 digits can be read as an MD5.
  let hasMD5ETags: Bool

  package init(_ settings: S3Destination, isEncrypted: Bool, isAWS: Bool = false) {
    checksum = settings.effectiveChecksum(isAWS: isAWS)
    verifiesETag = settings.verifiesETag(isAWS: isAWS)
    signsPayload = !isEncrypted
    hasMD5ETags = settings.quirks(isAWS: isAWS).hasMD5ETags && settings.encryption?.hidesMD5 != true
  }

  /// Which digests of the content are needed.
  package var needsMD5: Bool { checksum == .md5 || verifiesETag }
  package var needsSHA256: Bool { checksum == .sha256 || signsPayload }

  /// The CRC that is needed; nil for none.
  package var cyclicCode: CyclicCode? {
    switch checksum {
    case .crc64nvme: .crc64nvme
    case .crc32c: .crc32c
    case .auto, .sha256, .md5, .none: nil
    }
  }

  /// The field in which the checksum is sent and echoed (Amazon S3 API Reference, PutObject); nil where there is none of
  /// this kind.
  var checksumFieldName: String? {
    checksum == .sha256 || cyclicCode != nil ? "x-amz-checksum-\(checksum.rawValue)" : nil
  }

  /// The same with its value.
  func checksumField(_ digests: ContentDigests) -> (name: String, value: [UInt8])? {
    guard let name = checksumFieldName, let value = checksum == .sha256 ? digests.sha256 : digests.cyclic else {
      return nil
    }
    return (name, value.base64Text)
  }

  /// What was compared once `verify` has returned; nil if nothing is.
  func proven(_ digests: ContentDigests) -> Checksum? {
    if checksum == .sha256 { return digests.sha256.map { Checksum(algorithm: .sha256, value: $0) } }
    if checksum == .crc64nvme { return digests.cyclic.map { Checksum(algorithm: .crc64nvme, value: $0) } }
    if checksum == .crc32c { return digests.cyclic.map { Checksum(algorithm: .crc32c, value: $0) } }
    return needsMD5 ? digests.md5.map { Checksum(algorithm: .md5, value: $0) } : nil
  }

  /// Compares what the server says of the object with what was sent. Returns the ETag without its quotes, not empty.
  func verify(
    _ response: HTTPResponse, _ digests: ContentDigests, _ operation: String,
    subject: @autoclosure () -> String
  ) throws(S3Error) -> String {
    let etag = unquotedETag(response.fields.value("etag"))
    func refuse(_ code: String, _ cause: String, _ remedy: String = "") -> S3Error {
      S3Error(
        Failure(.transient(retryAfter: nil), operation, subject(), code: code, cause: cause, remedy: remedy),
        status: response.status, requestID: ErrorAnswer.token(response.fields.value("x-amz-request-id")))
    }
    // S3 always gives one: a proxy or a web page that answers 200 has stored nothing.
    if etag.isEmpty {
      throw refuse(
        "MissingETag", "the answer has no ETag, and so is not S3's",
        "correct the endpoint, if something else answers there")
    }
    if verifiesETag, let md5 = digests.md5, !Self.isEqual(etag, md5.hexadecimalText) {
      throw refuse(
        S3Client.storedOtherBytes, "the server stored other bytes: their ETag is \(escaped(etag.prefix(64)))",
        "if the server encrypts or changes what it stores, set verify_etag: false")
    }
    if let sent = checksumField(digests) {
      let echo = response.fields.value(sent.name)
      // A SHA-256 is also that of the signed payload, which the server has compared; a CRC is shown by its echo alone.
      if echo == nil, cyclicCode != nil {
        throw refuse(
          "MissingChecksum", "the answer has no \(checksumName) to compare",
          "if the server does not know it, set checksum: md5")
      }
      if let echo, !echo.elementsEqual(sent.value) {
        throw refuse(
          S3Client.storedOtherBytes,
          "the server stored other bytes: their \(checksumName) is \(escaped(echo.prefix(64)))")
      }
    }
    return etagText(etag)
  }

  /// How long a checksum is that the proof makes, in bytes; each algorithm has its own length. 0 where it makes none.
  package var checksumLength: Int {
    switch checksum {
    case .crc64nvme: 8
    case .crc32c: 4
    case .sha256: 32
    case .auto, .md5, .none: needsMD5 ? 16 : 0
    }
  }

  private var checksumName: String {
    switch checksum {
    case .crc64nvme: "CRC-64/NVME"
    case .crc32c: "CRC-32C"
    case .sha256: "SHA-256"
    case .auto, .md5, .none: "MD5"
    }
  }

  /// Some servers write the digits in capitals.
  static func isEqual(_ etag: ArraySlice<UInt8>, _ digits: [UInt8]) -> Bool {
    etag.count == digits.count && zip(etag, digits).allSatisfy { ($0 | 0x20) == $1 || $0 == $1 }
  }
}

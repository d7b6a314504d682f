import HTTPTransport
import SlipwayModel

extension S3Client {
  /// The content of an object of at most `limit` bytes, in memory, by one request. What does not have the length or
  /// the checksum that the answer tells is an error, as is a larger object. Idempotent. Any task. (Amazon S3 API
  /// Reference, GetObject.)
  public func getObject(_ key: ObjectKey, limit: Int = 1 << 20) async throws(S3Error) -> [UInt8] {
    try checkKey(key, Self.reading)
    var request = S3Request(.get, key, operation: Self.reading)
    request.fields.append("x-amz-checksum-mode", "ENABLED")
    request.responseBodyLimit = limit
    let response = try await sender.send(request)
    let told = response.fields.text("content-length").flatMap { Int($0) } ?? response.body.count
    guard response.status == 200, told == response.body.count else {
      throw S3Error(unreadable: "it is not the whole object", response, Self.reading, endpoint.subject(key))
    }
    var check = try contentCheck(claim(Checksum(claimedIn: response.fields), etag: response.fields.etag))
    check.update(response.body)
    try conclude(check, key)
    return response.body
  }

  /// Gives an object's content, or the bytes of `range`, to `take`, piece after piece in their order, each of
  /// `pieceSize` bytes but the last; memory is bounded by one piece. Every piece belongs to the object that was first
  /// looked at: if another one is stored meanwhile, or the whole content does not have the checksum that the server
  /// tells, it throws, and the caller throws away what it has taken. Returns what the object is.
  ///
  /// A range goes up to the object's end at the most; one that begins behind it is a permanent error. With `etag` any
  /// other object is one, too (`PreconditionFailed`). What `take` throws ends it. Idempotent. Any task.
  public func readObject(
    _ key: ObjectKey, range: Range<Int64>? = nil, ifMatch etag: String? = nil, pieceSize: Int = 8 << 20,
    _ take: ([UInt8]) async throws(Failure) -> Void
  ) async throws(S3Error) -> ObjectHead {
    guard let head = try await look(at: key, Self.reading)?.head else { throw noSuchKey(Self.reading, key) }
    try check(head, ifMatch: etag, Self.reading, key)
    let range = try range.map { range throws(S3Error) in try clamped(range, to: head.size, key) }
    let wanted = range ?? 0..<head.size
    var check = try contentCheck(range == nil ? claim(head.checksum, etag: head.etag) : nil)
    var position = wanted.lowerBound
    while position < wanted.upperBound {
      let end = min(position + Int64(max(1, pieceSize)), wanted.upperBound)
      let bytes = try await piece(position..<end, of: key, head)
      check.update(bytes)
      do throws(Failure) { try await take(bytes) } catch { throw S3Error(error) }
      position = end
    }
    try conclude(check, key)
    return head
  }

  private static let reading = "read"

  /// One piece of the object that `head` tells of, and of no other.
  private func piece(_ range: Range<Int64>, of key: ObjectKey, _ head: ObjectHead) async throws(S3Error) -> [UInt8] {
    var request = S3Request(.get, key, operation: Self.reading)
    request.fields.append("range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
    if !head.etag.isEmpty { request.fields.append("if-match", "\"\(head.etag)\"") }
    request.responseBodyLimit = range.count
    let response: HTTPResponse
    do throws(S3Error) {
      response = try await sender.send(request)
    } catch {
      throw error.status == 412 || error.status == 404 || error.status == 416
        ? objectChanged(Self.reading, key) : error
    }
    // A server may leave the condition out of account; the answer's own ETag decides.
    if response.fields.etag != head.etag { throw objectChanged(Self.reading, key) }
    guard response.body.count == range.count, isRange(response, range, of: head.size) else {
      throw S3Error(unreadable: "it is not the range that was asked for", response, Self.reading, endpoint.subject(key))
    }
    return response.body
  }

  /// RFC 9110, section 14.4. A server that knows no ranges answers 200 with all of it.
  private func isRange(_ response: HTTPResponse, _ range: Range<Int64>, of size: Int64) -> Bool {
    if response.status == 200 { return range == 0..<size }
    let told = response.fields.text("content-range")
    return response.status == 206 && told == "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
  }

  private func clamped(_ range: Range<Int64>, to size: Int64, _ key: ObjectKey) throws(S3Error) -> Range<Int64> {
    guard range.lowerBound >= 0, range.lowerBound < size else {
      throw problem(
        .permanent, Self.reading, key, code: "InvalidRange",
        "it has \(size) bytes, and none at position \(range.lowerBound)")
    }
    return range.clamped(to: 0..<size)
  }

  /// What the content is compared with. An ETag counts where this destination's uploads are proven by theirs.
  private func claim(_ checksum: Checksum?, etag: String) -> Checksum? {
    checksum ?? (proof.verifiesETag ? Checksum(etag: etag) : nil)
  }

  private func contentCheck(_ claim: Checksum?) throws(S3Error) -> ContentCheck {
    do throws(Failure) { return try ContentCheck(claim) } catch { throw S3Error(error) }
  }

  private func conclude(_ check: consuming ContentCheck, _ key: ObjectKey) throws(S3Error) {
    let holds: Bool
    do throws(Failure) { holds = try check.holds() } catch { throw S3Error(error) }
    if holds { return }
    throw problem(
      .transient(retryAfter: nil), Self.reading, key, code: "ReceivedOtherBytes",
      "what arrived does not have the checksum that the server tells",
      remedy: "if the server encrypts or changes what it stores, set verify_etag: false")
  }
}

import HTTPTransport
import SlipwayModel

/// A part as the server lists it.
package struct ListedPart: Sendable, Hashable {
  package let number: Int
  /// Without quotes.
  package let etag: String
  /// In bytes.
  package let size: Int64

  package init(number: Int, etag: String, size: Int64) {
    self.number = number
    self.etag = etag
    self.size = size
  }
}

/// A multipart upload that is not over, as the server lists it.
package struct ListedUpload: Sendable, Hashable {
  package let key: ObjectKey
  package let id: MultipartUpload.ID
  package let initiated: Timestamp
}

/// The requests of a multipart upload but for the one that completes it (Amazon S3 API Reference).
extension S3Client {
  /// Asks for an upload. Not idempotent: each request that takes effect makes an upload, and `onRepeat` is called
  /// before a further one is sent. Any task.
  package func createMultipartUpload(
    _ key: ObjectKey, token: String, attributes: ObjectAttributes, onRepeat: @escaping @Sendable () -> Void
  ) async throws(S3Error) -> MultipartUpload.ID {
    try checkKey(key, Self.beginning)
    var request = S3Request(.post, key, operation: Self.beginning)
    request.query = CanonicalQuery([("uploads", nil)])
    request.onRepeat = onRepeat
    request.needsNewConnection = true
    try appendObjectFields(key, attributes, token: token, to: &request)
    if let algorithm = proof.multipartAlgorithm {
      request.fields.append("x-amz-checksum-algorithm", algorithm.name)
      request.fields.append("x-amz-checksum-type", algorithm.type)
    }
    do throws(S3Error) {
      return try await uploadID(askedBy: request)
    } catch {
      throw namingOptions(error, attributes, .any)
    }
  }

  /// Sends a request that begins an upload.
  func uploadID(askedBy request: S3Request) async throws(S3Error) -> MultipartUpload.ID {
    let response = try await sender.send(request)
    let answer = try read(response, "InitiateMultipartUploadResult", request.key, request.operation)
    guard Self.isID(answer.values["UploadId"] ?? []) else {
      throw unreadable("it has no ID of an upload", response, request.key, request.operation)
    }
    return MultipartUpload.ID(answer.text("UploadId"))
  }

  /// Sends one part, and returns once the answer proves that the server holds it as far as the destination asks for
  /// proof. Harmless to repeat. `digests` are those of the part. Any task.
  package func uploadPart(
    _ number: Int, of upload: MultipartUpload, _ body: HTTPBody, digests: ContentDigests, progress: TransferMeter?
  ) async throws(S3Error) -> MultipartUpload.Part {
    var request = S3Request(.put, upload.key, operation: Self.sendingPart)
    request.query = CanonicalQuery([
      ("partNumber", Array(String(number).utf8)), ("uploadId", Array((upload.id?.text ?? "").utf8)),
    ])
    appendDigestFields(digests, to: &request)
    request.body = body
    request.progress = progress
    let response = try await sender.send(request)
    let etag = try proof.verify(
      response, digests, Self.sendingPart, subject: "part \(number) of \(endpoint.subject(upload.key))")
    return MultipartUpload.Part(number: number, etag: etag, checksum: proof.proven(digests)?.value ?? [])
  }

  /// A part as a server would prove it whose ETags are MD5s.
  package func part(_ number: Int, _ digests: ContentDigests) -> MultipartUpload.Part {
    MultipartUpload.Part(
      number: number, etag: hexadecimal(digests.md5 ?? []), checksum: proof.proven(digests)?.value ?? [])
  }

  /// Ends an upload so that nothing of it is left. Idempotent; one that is over is no error.
  package func abortMultipartUpload(_ key: ObjectKey, _ id: MultipartUpload.ID) async throws(S3Error) {
    var request = S3Request(.delete, key, operation: "abort the upload of")
    request.query = CanonicalQuery([("uploadId", Array(id.text.utf8))])
    do throws(S3Error) {
      _ = try await sender.send(request)
    } catch {
      if error.code != Self.noSuchUpload, error.status != 404 { throw error }
    }
  }

  /// The parts that the server holds of an upload, in order of their numbers; see `isOver` for one that is over.
  /// Idempotent. `limit` is how many are wanted at the most.
  package func listParts(
    _ key: ObjectKey, _ id: MultipartUpload.ID, limit: Int = Int(PartPlan.partsMax)
  ) async throws(S3Error) -> [ListedPart] {
    var parts: [ListedPart] = []
    var marker = 0
    while true {
      var request = S3Request(.get, key, operation: Self.listing)
      request.query = CanonicalQuery([
        ("max-parts", Array(String(min(limit, Self.pageSize)).utf8)),
        ("part-number-marker", Array(String(marker).utf8)), ("uploadId", Array(id.text.utf8)),
      ])
      let response = try await sender.send(request)
      let answer = try read(response, "ListPartsResult", records: "Part", limit: Self.pageSize, key, Self.listing)
      for record in answer.records {
        guard let part = ListedPart(record), part.number > marker else {
          throw unreadable("it has a part that is none", response, key, Self.listing)
        }
        marker = part.number
        parts.append(part)
      }
      guard answer.text("IsTruncated") == "true", parts.count < limit else { return parts }
      guard !answer.records.isEmpty else { throw unreadable("a page of it is empty", response, key, Self.listing) }
    }
  }

  /// The uploads that are not over whose keys begin with `prefix`, page by page, in the server's own order; `body` returns
  /// false to see no more. A server that leads round in a circle, or on without end, is an error. Idempotent.
  package func listMultipartUploads(
    prefix: [UInt8], _ body: ([ListedUpload]) async throws(S3Error) -> Bool
  ) async throws(S3Error) {
    var (marker, milestone) = (UploadsMarker?.none, UploadsMarker?.none)
    for number in 1...Self.uploadsPagesMax {
      var request = S3Request(.get, nil, operation: Self.listing)
      var parameters: [(name: String, value: [UInt8]?)] = [
        ("encoding-type", Array("url".utf8)), ("max-uploads", Array(String(Self.pageSize).utf8)), ("prefix", prefix),
        ("uploads", nil),
      ]
      if let marker { parameters += [("key-marker", marker.key), ("upload-id-marker", marker.id)] }
      request.query = CanonicalQuery(parameters)
      request.responseBodyLimit = Self.uploadsPageLimit
      let response = try await sender.send(request)
      let answer = try read(
        response, "ListMultipartUploadsResult", records: "Upload", limit: Self.pageSize, nil, Self.listing)
      let encoding = answer.values["EncodingType"] ?? []
      var page: [ListedUpload] = []
      for record in answer.records {
        guard let upload = ListedUpload(record, encoding: encoding), upload.key.bytes.starts(with: prefix) else {
          throw unreadable("it has an upload that is none", response, nil, Self.listing)
        }
        page.append(upload)
      }
      guard try await body(page), answer.text("IsTruncated") == "true" else { return }
      let key = decodedKey(answer.values["NextKeyMarker"] ?? [], encoding: encoding) ?? []
      let next = UploadsMarker(key: key, id: answer.values["NextUploadIdMarker"] ?? [])
      guard !key.isEmpty, next != milestone else {
        throw unreadable("it does not say where it goes on", response, nil, Self.listing)
      }
      // Kept from powers of two on, so that a circle of any length is met.
      if number.nonzeroBitCount == 1 { milestone = next }
      marker = next
    }
    throw problem(
      .permanent, Self.listing, nil, code: "InvalidListing", "it goes on after \(Self.uploadsPagesMax) pages")
  }

  /// The code of an error that says that an upload is over, or never was.
  package static let noSuchUpload = "NoSuchUpload"
  /// Ceph's gateway says `NoSuchKey` of an upload whose own records are gone.
  static let codesOfNoUpload: Set<String> = [noSuchUpload, "NoSuchKey"]

  /// Whether the answer to a request for an upload means that the upload is over.
  package static func isOver(_ error: S3Error) -> Bool { codesOfNoUpload.contains(error.code) }

  /// The code of an error of our own: what the server tells of an object shows that it holds something else.
  package static let storedOtherBytes = "StoredOtherBytes"
  private static let beginning = "begin the upload of"
  private static let sendingPart = "upload"
  private static let listing = "list the uploads of"
  /// Records of a page.
  private static let pageSize = 1000
  /// Of one listing of uploads.
  private static let uploadsPagesMax = 1000
  /// A page of keys of 1,024 bytes, each percent-encoded, with IDs and owners; in bytes.
  private static let uploadsPageLimit = 6 << 20

  /// It becomes a part of queries.
  private static func isID(_ bytes: [UInt8]) -> Bool {
    1...1024 ~= bytes.count && bytes.allSatisfy { (0x21...0x7E).contains($0) }
  }
}

extension ListedPart {
  fileprivate init?(_ record: [String: [UInt8]]) {
    guard let number = Int(String(decoding: record["PartNumber"] ?? [], as: UTF8.self)),
      let size = Int64(String(decoding: record["Size"] ?? [], as: UTF8.self)), let etag = record["ETag"]
    else { return nil }
    self.init(number: number, etag: etagText(etag[...]), size: size)
  }
}

/// Where a listing of uploads goes on. Markers need not ascend: Ceph's gateway sorts by key, dot and ID together, so that
/// `a-b` comes before `a`.
private struct UploadsMarker: Hashable {
  let key: [UInt8]
  let id: [UInt8]
}

extension ListedUpload {
  fileprivate init?(_ record: [String: [UInt8]], encoding: [UInt8]) {
    guard let text = record["Key"], let id = record["UploadId"],
      // Ceph's gateway encodes these keys, though not the markers, and does not say so; a plus sign is encoded, too.
      let key = encoding.isEmpty ? percentDecoded(text) ?? text : decodedKey(text, encoding: encoding),
      let initiated = Timestamp(expiry: String(decoding: record["Initiated"] ?? [], as: UTF8.self))
    else { return nil }
    self.init(key: ObjectKey(key), id: MultipartUpload.ID(String(decoding: id, as: UTF8.self)), initiated: initiated)
  }
}

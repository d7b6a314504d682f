import Checksums
import HTTPTransport
import SlipwayModel

/// How a multipart upload ends well.
///
/// A status of 200 proves nothing (its body may be an `<Error>`, or not S3's at all), and NoSuchUpload may mean that
/// an earlier request took effect: where the answer is lost or odd, a HEAD decides by the upload's token and size.
extension S3Client {
  /// Puts the parts of `upload` together, all of them, and returns once it is proven that the object at the key is
  /// this upload's. Harmless to repeat. Throws an error that `isOver`, or with code `ConditionalRequestConflict`,
  /// where only another upload can help, `storedOtherBytes` where the object is damaged and the upload is over, and where the
  /// condition does not hold; see `WriteCondition.hasFailed`. Any task.
  package func completeMultipartUpload(
    _ upload: MultipartUpload, size: Int64, condition: WriteCondition = .any
  ) async throws(S3Error) -> PutReceipt {
    let whole = try proof.whole(of: upload.parts, size: size, partSize: upload.partSize)
    let request = try completion(upload, size, whole, condition)
    let response: HTTPResponse
    do throws(S3Error) {
      response = try await sender.send(request)
    } catch {
      if let etag = try await isOurs(upload, size, whole, after: error) { return receipt(size, etag, whole) }
      throw error
    }
    let answer: RecordReader
    do throws(S3Error) {
      answer = try read(response, "CompleteMultipartUploadResult", upload.key, Self.completing)
    } catch {
      if let etag = try await isOurs(upload, size, whole, after: error) { return receipt(size, etag, whole) }
      throw error
    }
    let etag = try await etag(of: upload, size, answer, response)
    try verify(etag[...], answer, whole, upload.key, response)
    return receipt(size, etagText(etag[...]), whole)
  }

  /// As the answer gives it; some versions of Ceph's gateway leave it empty, and then a HEAD tells it.
  private func etag(
    of upload: MultipartUpload, _ size: Int64, _ answer: RecordReader, _ response: HTTPResponse
  ) async throws(S3Error) -> [UInt8] {
    let told = unquotedETag(answer.values["ETag"]?[...])
    if !told.isEmpty { return Array(told) }
    guard let found = try await find(upload.key), found.token == upload.token, found.size == size else {
      throw unreadable("it has no ETag", response, upload.key, Self.completing)
    }
    return Array(found.etag.utf8)
  }

  /// The receipt of an upload that is over, if the object at its key is what it made; nil if it is not. For an upload
  /// that the server does not know any more. Idempotent.
  package func completedEarlier(_ upload: MultipartUpload, size: Int64) async throws(S3Error) -> PutReceipt? {
    let whole = try proof.whole(of: upload.parts, size: size, partSize: upload.partSize)
    guard let found = try await find(upload.key), isMade(found, by: upload, size, whole) else { return nil }
    return receipt(size, found.etag, whole)
  }

  /// Ends an upload that nobody goes on with, unless the object at its key is what it made: then it is over, and some
  /// servers (Ceph's gateway up to 17.2.8, some versions of SeaweedFS) take the object's content away when they are asked to
  /// abort it while its completion comes to an end. Credentials that may not look leave it at that. Idempotent.
  package func abandon(_ key: ObjectKey, _ id: MultipartUpload.ID, token: String) async throws(S3Error) {
    let found: FoundObject?
    do throws(S3Error) {
      found = try await find(key)
    } catch {
      guard error.status == 403 else { throw error }
      found = nil
    }
    if found?.token != token { try await abortMultipartUpload(key, id) }
  }

  /// Whether an object is what `upload` was to make: its token, and its content as far as the server tells it.
  private func isMade(_ found: FoundObject, by upload: MultipartUpload, _ size: Int64, _ whole: WholeProof) -> Bool {
    found.token == upload.token && found.size == size && !proof.contradicts(found, whole)
  }

  private static let completing = "complete the upload of"

  private func completion(
    _ upload: MultipartUpload, _ size: Int64, _ whole: WholeProof, _ condition: WriteCondition
  ) throws(S3Error) -> S3Request {
    var request = S3Request(.post, upload.key, operation: Self.completing)
    request.query = CanonicalQuery([("uploadId", Array((upload.id?.text ?? "").utf8))])
    try request.carry(Self.completionDocument(upload.parts, checksumElement: proof.checksumElement))
    request.fields.append("x-amz-mp-object-size", String(size))
    if let field = whole.field {
      request.fields.append(field.name, field.value)
      request.fields.append("x-amz-checksum-type", "FULL_OBJECT")
    }
    condition.append(to: &request.fields)
    request.mayAnswerErrorWith200 = true
    // A conflict can only be resolved by another upload.
    request.finalCodes = Self.codesOfNoUpload.union(["ConditionalRequestConflict"])
    return request
  }

  /// The parts of an object, each with its checksum where an element for it is named.
  static func completionDocument(_ parts: [MultipartUpload.Part], checksumElement: String?) -> [UInt8] {
    var text = Array("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".utf8)
    for part in parts {
      // An ETag was escaped when it was read, so that XML can carry it.
      text += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\"".utf8 + (xmlText(Array(part.etag.utf8)) ?? [])
      text += "\"</ETag>".utf8
      if let element = checksumElement {
        text += "<\(element)>\(String(decoding: part.checksum.base64Text, as: UTF8.self))</\(element)>".utf8
      }
      text += "</Part>".utf8
    }
    return text + Array("</CompleteMultipartUpload>".utf8)
  }

  /// The ETag of the object at the key if this upload made it; nil if not. Asked only after an error that leaves it
  /// open, which is also the answer where this cannot be told; but that the upload is over must not be said before.
  private func isOurs(
    _ upload: MultipartUpload, _ size: Int64, _ whole: WholeProof, after error: S3Error
  ) async throws(S3Error) -> String? {
    let isOpen =
      switch error.kind {
      case .transient: error.code != "ConditionalRequestConflict"
      case .blocked, .permanent, .fatal: Self.isOver(error) || error.status == 412
      }
    guard isOpen else { return nil }
    let found: FoundObject?
    do throws(S3Error) {
      found = try await find(upload.key)
    } catch let second {
      throw Self.isOver(error) ? second : error
    }
    guard let found, isMade(found, by: upload, size, whole) else { return nil }
    return found.etag
  }

  private func verify(
    _ etag: ArraySlice<UInt8>, _ answer: RecordReader, _ whole: WholeProof, _ key: ObjectKey, _ response: HTTPResponse
  ) throws(S3Error) {
    func refuse(_ what: String, _ value: some Sequence<UInt8>) -> S3Error {
      S3Error(
        Failure(
          .transient(retryAfter: nil), Self.completing, endpoint.subject(key), code: Self.storedOtherBytes,
          cause: "the server stored other bytes: their \(what) is \(escaped(value.prefix(64)))",
          remedy: what == "ETag" ? "if the server makes its ETags in its own way, set verify_etag: false" : ""),
        status: response.status, requestID: ErrorAnswer.token(response.fields.value("x-amz-request-id")))
    }
    if let expected = whole.etag, !ContentProof.isEqual(etag, expected) { throw refuse("ETag", etag) }
    if let element = proof.checksumElement, let echo = answer.values[element], let expected = whole.echo,
      echo != expected
    {
      throw refuse(element, echo)
    }
  }

  private func receipt(_ size: Int64, _ etag: String, _ whole: WholeProof) -> PutReceipt {
    PutReceipt(size: size, etag: etag, checksum: whole.checksum)
  }
}

import HTTPTransport
import SlipwayModel

extension S3Client {
  /// Copies by UploadPartCopy. What CopyObject would keep is carried over by hand: content headers and metadata from
  /// the HEAD, tags by a request of their own. A copy that fails is aborted, so that none of its parts is left.
  func copyInParts(_ source: CopySource, to key: ObjectKey, _ limits: CopyLimits) async throws(S3Error) -> PutReceipt {
    let token = PartCopy.newToken()
    let (fields, tags) = try await fields(of: source, token)
    let id = try await beginCopy(fields, to: key)
    let copy = PartCopy(source: source, key: key, id: id, token: token)
    let etag: String
    do throws(S3Error) {
      etag = try await complete(copy, try await copyParts(copy, limits))
    } catch {
      await abort(copy)
      throw error
    }
    try await restoreTags(key, tags)
    return PutReceipt(size: source.head.size, etag: etag, checksum: nil)
  }

  /// Of the new object's description, and its tags: the same as the source's, the token, and what the destination asks for.
  private func fields(
    of source: CopySource, _ token: String
  ) async throws(S3Error) -> (HTTPFields, tags: [String: String]) {
    if source.fields.value("x-amz-missing-meta") != nil {
      throw source.client.problem(
        .permanent, Self.copying, source.key, code: "MissingMetadata",
        "it has metadata that the server cannot tell, and that would be lost")
    }
    var fields = HTTPFields()
    for name in PartCopy.carriedFields {
      if let value = source.fields.value(name), !value.isEmpty { fields.append(name, Array(value)) }
    }
    for (name, value) in source.fields.all(beginningWith: "x-amz-meta-") where name != PartCopy.tokenField {
      fields.append(name, Array(value))
    }
    fields.append(PartCopy.tokenField, token)
    self.fields.appendSettled(to: &fields)
    let tags = try await source.client.objectTags(source.key)
    if !tags.isEmpty {
      fields.append("x-amz-tagging", CanonicalQuery(tags.map { ($0.key, Array($0.value.utf8)) }).text)
    }
    return (fields, tags)
  }

  private func beginCopy(_ fields: HTTPFields, to key: ObjectKey) async throws(S3Error) -> MultipartUpload.ID {
    var request = S3Request(.post, key, operation: Self.copying)
    request.query = CanonicalQuery([("uploads", nil)])
    request.fields = fields
    do throws(S3Error) { return try await uploadID(askedBy: request) } catch { throw namingSettled(error) }
  }

  /// A window of requests; the parts in order. The first error ends the others.
  private func copyParts(_ copy: PartCopy, _ limits: CopyLimits) async throws(S3Error) -> [MultipartUpload.Part] {
    let ranges = copy.ranges(limits)
    let result = await withTaskGroup(of: Result<MultipartUpload.Part, S3Error>.self) { group in
      var parts: [MultipartUpload.Part] = []
      var next = 0
      func start() {
        guard next < ranges.count else { return }
        let (index, range) = (next, ranges[next])
        next += 1
        group.addTask {
          do throws(S3Error) {
            return .success(try await self.copyPart(copy, number: index + 1, range))
          } catch {
            return .failure(error)
          }
        }
      }
      for _ in 0..<limits.window { start() }
      while let result = await group.next() {
        switch result {
        case .success(let part): parts.append(part)
        case .failure(let error):
          group.cancelAll()
          return Result<[MultipartUpload.Part], S3Error>.failure(error)
        }
        start()
      }
      return .success(parts.sorted { $0.number < $1.number })
    }
    return try result.get()
  }

  private func copyPart(
    _ copy: PartCopy, number: Int, _ range: Range<Int64>
  ) async throws(S3Error) -> MultipartUpload.Part {
    var request = S3Request(.put, copy.key, operation: Self.copying)
    request.query = CanonicalQuery([("partNumber", Array("\(number)".utf8)), ("uploadId", Array(copy.id.text.utf8))])
    copy.source.append(to: &request.fields)
    request.fields.append("x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
    let etag = try await copied(request, from: copy.source, root: "CopyPartResult")
    return MultipartUpload.Part(number: number, etag: etag, checksum: [])
  }

  /// The new object's ETag. Whatever the answer, an object with this copy's token and size at the key is the copy: it
  /// may have been made while its answer was lost.
  private func complete(_ copy: PartCopy, _ parts: [MultipartUpload.Part]) async throws(S3Error) -> String {
    var request = S3Request(.post, copy.key, operation: Self.copying)
    request.query = CanonicalQuery([("uploadId", Array(copy.id.text.utf8))])
    do throws(S3Error) {
      try request.carry(Self.completionDocument(parts, checksumElement: nil))
      return try await copied(request, from: copy.source, root: "CompleteMultipartUploadResult")
    } catch {
      let found: FoundObject?
      // Why the completion failed tells more than why nobody can look.
      do throws(S3Error) { found = try await find(copy.key) } catch { found = nil }
      guard let found, found.token == copy.token, found.size == copy.source.head.size else { throw error }
      return found.etag
    }
  }

  /// In a task of its own, since that of the caller may have been cancelled. What this fails to remove costs room until
  /// somebody lists the unfinished uploads; why the copy failed is what the caller must hear.
  private func abort(_ copy: PartCopy) async {
    await Task { do { try await abortMultipartUpload(copy.key, copy.id) } catch {} }.value
  }
}

/// A copy in parts under way.
private struct PartCopy: Sendable {
  let source: CopySource
  let key: ObjectKey
  let id: MultipartUpload.ID
  let token: String

  /// What an upload can be told of the object that it will be (Amazon S3 API Reference, CreateMultipartUpload).
  static let carriedFields = [
    "cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires",
    "x-amz-website-redirect-location",
  ]
  static let tokenField = "x-amz-meta-\(ObjectFields.tokenName)"

  /// No other copy has it.
  static func newToken() -> String {
    hexadecimal((0..<16).map { _ in UInt8.random(in: 0...255) })
  }

  func ranges(_ limits: CopyLimits) -> [Range<Int64>] {
    let (size, step) = (source.head.size, limits.partSize(for: source.head.size))
    return stride(from: 0, to: size, by: Int64.Stride(step)).map { $0..<min($0 + step, size) }
  }
}

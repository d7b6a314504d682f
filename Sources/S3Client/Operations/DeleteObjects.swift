import HTTPTransport
import SlipwayModel

extension S3Client {
  /// Removes objects, 1,000 a request; that there is none at a key is no error. Returns, in no certain order, the keys
  /// whose objects are still there, each with the reason. Throws where a whole request fails: earlier ones have had
  /// their effect. Idempotent. Any task. (Amazon S3 API Reference, DeleteObjects.)
  ///
  /// A key that XML cannot carry, such as one with U+0001, is deleted by a request of its own.
  public func deleteObjects(_ keys: [ObjectKey]) async throws(S3Error) -> [ObjectFailure] {
    var failures: [ObjectFailure] = []
    var batch = DeleteBatch()
    for key in keys {
      do throws(S3Error) {
        try checkKey(key, Self.deleting)
        if !batch.append(key) { try await deleteObject(key) }
      } catch {
        failures.append(ObjectFailure(key: key, failure: error.failure))
      }
      if batch.keys.count == DeleteBatch.limit {
        failures += try await delete(batch)
        batch = DeleteBatch()
      }
    }
    if !batch.keys.isEmpty { failures += try await delete(batch) }
    return failures
  }

  private func delete(_ batch: DeleteBatch) async throws(S3Error) -> [ObjectFailure] {
    var request = S3Request(.post, nil, operation: Self.deleting)
    request.query = CanonicalQuery([("delete", nil)])
    request.responseBodyLimit = DeleteBatch.answerLimit
    try request.carry(batch.document, provenBy: proof)
    let response = try await sender.send(request)
    let answer = try read(response, "DeleteResult", records: "Error", limit: DeleteBatch.limit, nil, Self.deleting)
    var failures: [ObjectFailure] = []
    for problem in answer.records {
      let key = ObjectKey(problem["Key"] ?? [])
      guard batch.keys.contains(key) else {
        throw unreadable("it tells of \(key), for which nobody asked", response, nil, Self.deleting)
      }
      let said = ErrorAnswer(code: problem["Code"] ?? [], message: problem["Message"] ?? [])
      let error = S3Error(response, said, Self.deleting, endpoint.subject(key))
      if error.code != "NoSuchKey" { failures.append(ObjectFailure(key: key, failure: error.failure)) }
    }
    return failures
  }
}

/// The keys of one request, and its document.
private struct DeleteBatch {
  /// As many as S3 takes at once.
  static let limit = 1000
  /// In bytes: an error for each key, of which every byte may be a character reference, and a KiB around it.
  static let answerLimit = limit * (6 * S3Client.keyLimit + 1024) + 64 * 1024

  private(set) var keys: Set<ObjectKey> = []
  /// Quiet: the answer has the failures alone.
  private var elements = Array("<Quiet>true</Quiet>".utf8)

  /// False for a key that XML cannot carry.
  mutating func append(_ key: ObjectKey) -> Bool {
    guard let text = xmlText(key.bytes) else { return false }
    if keys.insert(key).inserted {
      elements.append(contentsOf: "<Object><Key>".utf8)
      elements.append(contentsOf: text)
      elements.append(contentsOf: "</Key></Object>".utf8)
    }
    return true
  }

  var document: [UInt8] {
    Array("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".utf8) + elements + Array("</Delete>".utf8)
  }
}

import HTTPTransport
import SlipwayModel

extension S3Client {
  /// An object's tags; empty if it has none. Idempotent. Any task. (Amazon S3 API Reference, GetObjectTagging.)
  public func objectTags(_ key: ObjectKey) async throws(S3Error) -> [String: String] {
    try checkKey(key, Self.readingTags)
    var request = S3Request(.get, key, operation: Self.readingTags)
    request.query = Self.tagging
    let response: HTTPResponse
    do throws(S3Error) {
      response = try await sender.send(request)
    } catch {
      if error.code == "NoSuchTagSet" { return [:] }
      throw error
    }
    let reader = TagReader()
    try readAnswer(response, root: "Tagging", reader, Self.readingTags, endpoint.subject(key))
    return reader.tags
  }

  /// Puts `tags` in place of an object's tags, all of them. Idempotent. A tag that XML cannot carry is a permanent
  /// error. Any task. (Amazon S3 API Reference, PutObjectTagging.)
  public func setObjectTags(_ key: ObjectKey, _ tags: [String: String]) async throws(S3Error) {
    try checkKey(key, Self.writingTags)
    var request = S3Request(.put, key, operation: Self.writingTags)
    request.query = Self.tagging
    try request.carry(try document(tags, key), provenBy: proof)
    _ = try await sender.send(request)
  }

  /// Gives an object that was put together of parts the tags that its upload was begun with, where the server forgets
  /// them; sends no request otherwise. Idempotent. Any task.
  package func restoreTags(_ key: ObjectKey, _ attributes: ObjectAttributes) async throws(S3Error) {
    try await restoreTags(key, fields.tags(with: attributes))
  }

  func restoreTags(_ key: ObjectKey, _ tags: [String: String]) async throws(S3Error) {
    if quirks.forgetsTagsOfParts, !tags.isEmpty { try await setObjectTags(key, tags) }
  }

  private static let tagging = CanonicalQuery([("tagging", nil)])
  private static let readingTags = "read the tags of"
  private static let writingTags = "tag"

  private func document(_ tags: [String: String], _ key: ObjectKey) throws(S3Error) -> [UInt8] {
    var document = Array("<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>".utf8)
    for (name, value) in tags.sorted(by: { $0.key < $1.key }) {
      guard let name = xmlText(Array(name.utf8)), let value = xmlText(Array(value.utf8)) else {
        throw problem(
          .permanent, Self.writingTags, key, code: "InvalidTag", "XML cannot carry the tag \(escaped(name.utf8))")
      }
      document.append(contentsOf: "<Tag><Key>".utf8)
      document.append(contentsOf: name)
      document.append(contentsOf: "</Key><Value>".utf8)
      document.append(contentsOf: value)
      document.append(contentsOf: "</Value></Tag>".utf8)
    }
    return document + Array("</TagSet></Tagging>".utf8)
  }
}

/// Reads `Tagging/TagSet/Tag`.
private final class TagReader: AnswerHandler {
  private(set) var tags: [String: String] = [:]
  private var name = ""
  private var value = ""

  func begin(_ name: String, depth: Int) {
    if depth == 3 { (self.name, value) = ("", "") }
  }

  func end(_ name: String, text: [UInt8], depth: Int) {
    switch (depth, name) {
    case (4, "Key"): self.name = String(decoding: text, as: UTF8.self)
    case (4, "Value"): value = String(decoding: text, as: UTF8.self)
    case (3, "Tag"): tags[self.name] = value
    default: break
    }
  }
}

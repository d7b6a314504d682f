import HTTPTransport
import SlipwayModel

/// What an object is given beside its content: the header fields of the request that makes it, which is PutObject or
/// CreateMultipartUpload (Amazon S3 API Reference). They stand in that request itself, so that no object is ever seen
/// without them. What is the same for all objects is put together once.
package struct ObjectFields: Sendable {
  private struct Rule: Sendable {
    let pattern: any Pattern
    let fields: [S3Destination.HeaderRule.Field]
    let hasContentType: Bool
  }

  private let rules: [Rule]
  /// ACL, encryption and storage class.
  private let settled: [S3Destination.HeaderRule.Field]
  private let tags: [String: String]
  private let metadata: [String: String]
  /// `tags` and `metadata` as they are sent where nothing is added to them.
  private let tagsText: [UInt8]
  private let metadataFields: [S3Destination.HeaderRule.Field]

  /// The keys of the file behind the fields that not every server knows.
  let settings: [String]

  /// The name in an object's metadata of what tells who put it there.
  static let tokenName = AttributeLimits.tokenName
  /// The header field that has it.
  static let tokenField = "x-amz-meta-\(tokenName)"

  /// `patterns` is needed where there are header rules; a rule that does not compile is a blocked failure.
  package init(_ settings: S3Destination, patterns: (any PatternCompiler)?, subject: String) throws(Failure) {
    rules = try Self.rules(settings.headers, patterns, subject)
    settled = Self.settled(settings)
    self.settings = [
      settings.acl.map { _ in "acl" }, settings.encryption.map { _ in "sse" },
      settings.storageClass.map { _ in "storage_class" }, settings.tags.isEmpty ? nil : "tags",
    ].compactMap { $0 }
    tags = settings.tags
    metadata = settings.metadata
    tagsText = Self.text(ofTags: settings.tags)
    metadataFields = Self.fields(ofMetadata: settings.metadata)
  }

  /// Appends the fields of the object at `key`. Throws a permanent failure where a rule's pattern exceeds its match limit
  /// on the key, and where tags or metadata together are more than S3 takes. `token` becomes a part of the metadata.
  package func append(
    _ key: ObjectKey, _ attributes: ObjectAttributes, token: String? = nil, to fields: inout HTTPFields,
    subject: @autoclosure () -> String
  ) throws(Failure) {
    try appendHeaders(of: key, to: &fields)
    appendSettled(to: &fields)
    if attributes.metadata.isEmpty {
      for field in metadataFields { fields.append(field.name, field.value) }
    } else {
      let all = metadata.merging(attributes.metadata) { _, added in added }
      try check(
        AttributeLimits.size(ofMetadata: all), AttributeLimits.metadata, "bytes of metadata beside Slipway's own",
        subject())
      for field in Self.fields(ofMetadata: all) { fields.append(field.name, field.value) }
    }
    if let token { fields.append(Self.tokenField, token) }
    if attributes.tags.isEmpty {
      if !tagsText.isEmpty { fields.append("x-amz-tagging", tagsText) }
    } else {
      let all = tags(with: attributes)
      try check(all.count, AttributeLimits.tags, "tags", subject())
      fields.append("x-amz-tagging", Self.text(ofTags: all))
    }
  }

  /// All that an object is given.
  func tags(with attributes: ObjectAttributes) -> [String: String] {
    tags.merging(attributes.tags) { _, added in added }
  }

  /// Appends what every object of the destination is given, also one that is a copy and brings the rest along.
  func appendSettled(to fields: inout HTTPFields) {
    for field in settled { fields.append(field.name, field.value) }
  }

  private func appendHeaders(of key: ObjectKey, to fields: inout HTTPFields) throws(Failure) {
    for rule in rules where try rule.pattern.matches(key.bytes) {
      for field in rule.fields { fields.append(field.name, field.value) }
      if !rule.hasContentType { fields.append("content-type", ContentTypes.type(of: key)) }
      return
    }
    fields.append("content-type", ContentTypes.type(of: key))
  }

  private func check(_ count: Int, _ limit: Int, _ what: String, _ subject: String) throws(Failure) {
    guard count > limit else { return }
    throw Failure(
      .permanent, "upload", subject, code: "InvalidRequest",
      cause: "the destination, the tree and the pre hooks give it \(count) \(what), and there is room for \(limit)")
  }
}

extension ObjectFields {
  private static func rules(
    _ rules: [S3Destination.HeaderRule], _ patterns: (any PatternCompiler)?, _ subject: String
  ) throws(Failure) -> [Rule] {
    var compiled: [Rule] = []
    for rule in rules {
      compiled.append(
        Rule(
          pattern: try pattern(rule.pattern, patterns, subject), fields: rule.fields,
          hasContentType: rule.fields.contains { $0.name == "content-type" }))
    }
    return compiled
  }

  private static func pattern(
    _ text: String, _ patterns: (any PatternCompiler)?, _ subject: String
  ) throws(Failure) -> any Pattern {
    func refuse(_ cause: String) -> Failure {
      Failure(
        .blocked, "use", subject, code: "InvalidPattern", cause: cause, remedy: "correct headers at the destination")
    }
    guard let patterns else { throw refuse("nothing was given that compiles the patterns of headers") }
    do throws(PatternProblem) {
      return try patterns.compile(text)
    } catch {
      throw refuse("bad regular expression at offset \(error.offset): \(escaped(error.message.utf8))")
    }
  }

  private static func settled(_ settings: S3Destination) -> [S3Destination.HeaderRule.Field] {
    let fields = [
      ("x-amz-acl", settings.acl),
      ("x-amz-server-side-encryption", settings.encryption?.kind.rawValue),
      ("x-amz-server-side-encryption-aws-kms-key-id", settings.encryption?.keyID),
      ("x-amz-storage-class", settings.storageClass),
    ]
    return fields.compactMap { name, value in value.map { S3Destination.HeaderRule.Field(name: name, value: $0) } }
  }

  private static func fields(ofMetadata metadata: [String: String]) -> [S3Destination.HeaderRule.Field] {
    metadata.sorted { $0.key < $1.key }.map { .init(name: "x-amz-meta-\($0.key)", value: $0.value) }
  }

  private static func text(ofTags tags: [String: String]) -> [UInt8] {
    CanonicalQuery(tags.map { ($0.key, Array($0.value.utf8)) }).text
  }
}

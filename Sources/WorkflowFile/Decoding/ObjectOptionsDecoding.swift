import SlipwayModel

/// The canned ACLs that an object can have (Amazon S3 User Guide, "Access control list overview").
private enum CannedACL: String, CaseIterable {
  case isPrivate = "private"
  case publicRead = "public-read"
  case publicReadWrite = "public-read-write"
  case authenticatedRead = "authenticated-read"
  case awsExecRead = "aws-exec-read"
  case bucketOwnerRead = "bucket-owner-read"
  case bucketOwnerFullControl = "bucket-owner-full-control"
}

private enum EncryptionKey: String, CaseIterable {
  case type
  case kmsKeyID = "kms_key_id"
}

/// What every object of a destination is given.
extension S3Destination {
  mutating func decodeObjectOptions(_ reader: MappingReader<S3Key>) {
    let context = reader.context
    storageClass = reader[.storageClass].flatMap(context.storageClass)
    acl = reader[.acl].flatMap { context.choice($0, of: CannedACL.self) }?.rawValue
    encryption = reader[.sse].flatMap { Encryption(decoding: $0, named: reader.mark(of: .sse), context) }
    if let node = reader[.tags] { tags = context.tags(node) }
    if let node = reader[.metadata] { metadata = context.metadata(node) }
    if let node = reader[.headers] { headers = context.headerRules(node) }
  }
}

extension S3Destination.Encryption {
  /// The types are called as in S3's field `x-amz-server-side-encryption` and the options of the AWS tools: `AES256`,
  /// `aws:kms`, `aws:kms:dsse`.
  fileprivate init?(decoding node: Node, named mark: Mark, _ context: DecodingContext) {
    guard let reader = MappingReader<EncryptionKey>(node, named: mark, context) else { return nil }
    let kind = reader.required(.type).flatMap { context.choice($0, of: Kind.self) }
    let keyID = reader[.kmsKeyID].flatMap(context.keyID)
    guard let kind else { return nil }
    if kind == .aes256, reader[.kmsKeyID] != nil {
      context.error("with AES256 S3 has a key of its own; remove 'kms_key_id'", at: reader.mark(of: .kmsKeyID))
    }
    self.init(kind: kind, keyID: keyID)
  }
}

extension DecodingContext {
  /// The names differ from server to server.
  fileprivate func storageClass(_ node: Node) -> String? {
    guard let text = text(node, expecting: "a storage class") else { return nil }
    let isName = text.utf8.allSatisfy { EnvironmentNames.isNameByte($0) || $0 == 0x2D }
    if isName, text.utf8.count <= 64 { return text }
    error("a storage class has at most 64 letters, digits, '_' and '-', found \(quoted(text))", at: node.mark)
    return nil
  }

  /// A key's ID, ARN or alias.
  fileprivate func keyID(_ node: Node) -> String? {
    guard let text = text(node, expecting: "the ID of a key") else { return nil }
    // KMS allows 2,048 characters (AWS KMS API Reference, DescribeKey).
    if text.utf8.count <= 2048, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) { return text }
    error("the ID of a key has at most 2048 printable ASCII characters and no blanks", at: node.mark)
    return nil
  }

  func tags(_ node: Node) -> [String: String] {
    guard let entries = entries(node) else { return [:] }
    if entries.count > AttributeLimits.tags {
      error("an object has at most \(AttributeLimits.tags) tags, found \(entries.count)", at: node.mark)
    }
    return texts(entries, problem: AttributeLimits.problem(withTag:_:))
  }

  func metadata(_ node: Node) -> [String: String] {
    guard let entries = entries(node) else { return [:] }
    var metadata: [String: String] = [:]
    for (name, value) in texts(entries, problem: AttributeLimits.problem(withMetadata:_:)) {
      // Names of header fields have no case.
      if metadata.updateValue(value, forKey: name.lowercased()) != nil {
        error("the metadata \(quoted(name.lowercased())) is there twice: capitals mean nothing", at: node.mark)
      }
    }
    let size = AttributeLimits.size(ofMetadata: metadata)
    if size > AttributeLimits.metadata {
      error(
        "the metadata has at most \(AttributeLimits.metadata) bytes beside Slipway's own, this one has \(size)",
        at: node.mark)
    }
    return metadata
  }

  private func texts(_ entries: [MappingEntry], problem: (String, String) -> String?) -> [String: String] {
    var texts: [String: String] = [:]
    for entry in entries {
      guard let value = text(entry.value, allowingEmpty: true) else { continue }
      if let problem = problem(entry.key, value) {
        error("\(problem): \(quoted(entry.key))", at: entry.keyMark)
      } else {
        texts[entry.key] = value
      }
    }
    return texts
  }
}

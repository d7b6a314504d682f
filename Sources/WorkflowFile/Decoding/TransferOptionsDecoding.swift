import SlipwayModel

/// The bounds of how objects are sent.
private enum TransferLimits {
  /// Amazon S3 User Guide, "Amazon S3 multipart upload limits": a part, and what one PUT takes.
  static let part: ClosedRange<Int64> = (5 << 20)...(5 << 30)
}

/// How a destination's objects are sent.
extension S3Destination {
  mutating func decodeTransferOptions(_ reader: MappingReader<S3Key>) {
    let context = reader.context
    server = reader[.server].flatMap { context.choice($0, of: S3ServerKind.self) }
    transfers = reader[.transfers].flatMap { context.integer($0, in: SettingsLimits.transfers) }
    bandwidth = reader[.bandwidth].flatMap { context.rate($0, in: SettingsLimits.bandwidth) }
    if let size = reader[.multipartThreshold].flatMap({ context.size($0, in: TransferLimits.part) }) {
      multipartThreshold = size
    }
    if let size = reader[.partSize].flatMap({ context.size($0, in: TransferLimits.part) }) { partSize = size }
    if let choice = reader[.overwrite].flatMap({ context.choice($0, of: Overwrite.self) }) { overwrite = choice }
    if let pays = reader[.requesterPays].flatMap(context.boolean) { paysAsRequester = pays }
    expectedBucketOwner = reader[.expectedBucketOwner].flatMap(context.account)
  }

  /// What a server that is named would refuse, or pass over, and what contradicts itself.
  func checkOptions(_ reader: MappingReader<S3Key>) {
    if verifyETag == true, let encryption, encryption.hidesMD5, let node = reader[.verifyETag] {
      reader.context.error(
        "with sse type \(encryption.kind.rawValue) an ETag is not the MD5 of what was sent; remove verify_etag",
        at: node.mark)
    }
    if overwrite == .different, checksum == .none, verifyETag != true {
      reader.context.error(
        "with checksum: none there is nothing by which an object could be seen to be equal",
        at: reader[.overwrite]?.mark ?? reader.mark)
    }
    guard let server else { return }
    for (key, problem) in obstacles(at: server) {
      reader.context.error("\(problem), as far as is known of server: \(server.rawValue)", at: reader.mark(of: key))
    }
  }

  private func obstacles(at server: S3ServerKind) -> [(S3Key, String)] {
    let quirks = ServerQuirks.of(server)
    var found: [(S3Key, String)] = []
    if !tags.isEmpty, !quirks.takesTags { found.append((.tags, "objects have no tags")) }
    if acl != nil, !quirks.takesACLs { found.append((.acl, "objects have no ACL of their own")) }
    if quirks.refusedChecksums.contains(checksum) {
      found.append((.checksum, "\(checksum.rawValue) is refused, and md5 would do"))
    }
    if overwrite == .never, !quirks.knowsIfNoneMatch {
      found.append((.overwrite, "nothing keeps a PUT from overwriting"))
    }
    return found
  }
}

extension DecodingContext {
  fileprivate func account(_ node: Node) -> String? {
    let expected = "the twelve digits of an AWS account"
    guard let text = text(node, expecting: expected) else { return nil }
    if text.utf8.count == 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return text }
    error("expected \(expected), found \(quoted(text))", at: node.mark)
    return nil
  }
}

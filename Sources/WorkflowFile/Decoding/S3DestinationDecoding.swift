import SlipwayModel

enum S3Key: String, CaseIterable {
  case type
  case bucket
  case prefix
  case region
  case endpoint
  case credentials
  case pathStyle = "path_style"
  case insecure
  case checksum
  case verifyETag = "verify_etag"
  case server
  case transfers
  case bandwidth
  case multipartThreshold = "multipart_threshold"
  case partSize = "part_size"
  case overwrite
  case storageClass = "storage_class"
  case acl
  case sse
  case tags
  case metadata
  case headers
  case requesterPays = "requester_pays"
  case expectedBucketOwner = "expected_bucket_owner"
}

private enum PathStyle: String, CaseIterable {
  case auto
  case yes = "true"
  case no = "false"

  var addressing: S3Destination.Addressing {
    switch self {
    case .auto: .automatic
    case .yes: .path
    case .no: .virtualHost
    }
  }
}

extension S3Destination {
  /// nil where the bucket cannot be told; what else is wrong is reported and keeps its default.
  init?(decoding reader: MappingReader<S3Key>) {
    let context = reader.context
    let bucket = reader.required(.bucket).flatMap(context.bucket)
    self.init(bucket: bucket ?? "")
    region = reader[.region].flatMap(context.region)
    if let node = reader[.credentials] { decodeCredentials(node, named: reader.mark(of: .credentials), context) }
    if let style = reader[.pathStyle].flatMap({ context.choice($0, of: PathStyle.self) }) {
      addressing = style.addressing
    }
    if let insecure = reader[.insecure].flatMap(context.boolean) { allowsInsecure = insecure }
    if let choice = reader[.checksum].flatMap({ context.choice($0, of: Checksum.self) }) { checksum = choice }
    verifyETag = reader[.verifyETag].flatMap(context.boolean)
    endpoint = reader[.endpoint].flatMap { context.endpoint($0, allowingInsecure: allowsInsecure) }
    decodeTransferOptions(reader)
    decodeObjectOptions(reader)
    checkOptions(reader)
    if bucket == nil { return nil }
  }
}

extension DecodingContext {
  /// Roughly what S3 and the servers like it take; the server has the last word.
  fileprivate func bucket(_ node: Node) -> String? {
    guard let text = text(node, expecting: "the name of a bucket") else { return nil }
    let isPlain = text.utf8.allSatisfy { EnvironmentNames.isNameByte($0) || $0 == 0x2D || $0 == 0x2E }
    let ends = [text.utf8.first, text.utf8.last].compactMap { $0 }
    if isPlain, (3...63).contains(text.utf8.count), !text.contains(".."), ends.allSatisfy({ $0 != 0x2D && $0 != 0x2E })
    {
      return text
    }
    error(
      "the name of a bucket has 3 to 63 letters, digits, '.', '_' and '-', found \(quoted(text))", at: node.mark)
    return nil
  }

  fileprivate func region(_ node: Node) -> String? {
    guard let text = text(node, expecting: "a region") else { return nil }
    if text.utf8.count <= 64, text.utf8.allSatisfy({ EnvironmentNames.isNameByte($0) || $0 == 0x2D }) { return text }
    error("a region has at most 64 letters, digits and '-', found \(quoted(text))", at: node.mark)
    return nil
  }
}

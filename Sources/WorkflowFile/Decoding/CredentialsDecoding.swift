import SlipwayModel

private enum CredentialsKey: String, CaseIterable {
  case accessKeyID = "access_key_id"
  case secretAccessKey = "secret_access_key"
  case sessionToken = "session_token"
}

extension S3Destination.Keys {
  /// nil unless both keys are there.
  init?(decoding node: Node, named mark: Mark, _ context: DecodingContext) {
    guard let reader = MappingReader<CredentialsKey>(node, named: mark, context) else { return nil }
    let id = reader.required(.accessKeyID).flatMap { context.credential($0) }
    let secret = reader.required(.secretAccessKey).flatMap { context.credential($0) }
    let token = reader[.sessionToken].flatMap { context.credential($0, allowingEmpty: true) }
    guard let id, let secret else { return nil }
    // An empty session token is none, as for the AWS tools.
    self.init(
      accessKeyID: id, secretAccessKey: Secret(secret),
      sessionToken: token.flatMap { $0.isEmpty ? nil : Secret($0) })
  }
}

extension DecodingContext {
  /// A part of credentials: it goes into a header, and no message shows it.
  fileprivate func credential(_ node: Node, allowingEmpty: Bool = false) -> String? {
    guard let text = text(node, allowingEmpty: allowingEmpty) else { return nil }
    if text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) { return text }
    error("a credential has only printable ASCII characters and no blanks", at: node.mark)
    return nil
  }
}

import SlipwayModel

private enum CredentialsKey: String, CaseIterable {
  case accessKeyID = "access_key_id"
  case secretAccessKey = "secret_access_key"
  case sessionToken = "session_token"
  case profile
}

extension S3Destination {
  /// Either keys or a profile that holds them.
  mutating func decodeCredentials(_ node: Node, named mark: Mark, _ context: DecodingContext) {
    guard let reader = MappingReader<CredentialsKey>(node, named: mark, context) else { return }
    guard let name = reader[.profile] else {
      credentials = Keys(decoding: reader)
      return
    }
    if let other = CredentialsKey.allCases.first(where: { $0 != .profile && reader[$0] != nil }) {
      context.error(
        "'profile' and '\(other.rawValue)' exclude each other; the profile holds the keys",
        at: reader.mark(of: .profile))
    }
    profile = context.text(name, expecting: "the name of a profile")
  }
}

extension S3Destination.Keys {
  /// nil unless both keys are there.
  fileprivate init?(decoding reader: MappingReader<CredentialsKey>) {
    let context = reader.context
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

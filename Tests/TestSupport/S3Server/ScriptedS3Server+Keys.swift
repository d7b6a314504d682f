extension ScriptedS3Server {
  /// What whoever rotates keys does: the server takes new ones with this session token, and the old one's time is over.
  /// Returns the text of a profile that names them.
  package func rotateKeys(to token: String) -> String {
    let keys = Keys(accessKeyID: "AKIA\(token)", secretAccessKey: "s-\(token)", sessionToken: token)
    change { settings in
      if let old = settings.keys.sessionToken { settings.expiredTokens.insert(old) }
      settings.keys = keys
    }
    return "[default]\naws_access_key_id=\(keys.accessKeyID)\naws_secret_access_key=\(keys.secretAccessKey)\n"
      + "aws_session_token=\(token)\n"
  }
}

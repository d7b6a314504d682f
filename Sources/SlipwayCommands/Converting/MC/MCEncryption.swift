/// What `--enc-s3` and `--enc-kms` say of the target: `ALIAS/PREFIX`, and `ALIAS/PREFIX=KEY`. The longest prefix counts.
struct MCEncryption {
  private let target: String
  private var best: (prefix: String, line: String, flag: String)?

  init(target: String) {
    self.target = target.hasSuffix("/") ? target : target + "/"
  }

  var line: (flag: String, line: String)? { best.map { ($0.flag, $0.line) } }

  /// Why the value has no counterpart; nil where it has. The key of KMS is its name, and no secret.
  mutating func take(_ value: String, byKMS: Bool) -> String? {
    let equals = value.lastIndex(of: "=")
    let prefix = String(value[..<(equals ?? value.endIndex)])
    let key = equals.map { String(value[value.index(after: $0)...]) } ?? ""
    if byKMS, key.isEmpty { return "it needs ALIAS/PREFIX=KEY" }
    guard target.hasPrefix(prefix), !prefix.isEmpty else {
      return "it is not of all that lies below TARGET, and 'sse' is of a whole destination"
    }
    if let best, best.prefix.count >= prefix.count { return nil }
    let line = byKMS ? "sse: { type: aws:kms, kms_key_id: \(YAMLText.quoted(key)) }" : "sse: { type: AES256 }"
    best = (prefix, line, byKMS ? "--enc-kms" : "--enc-s3")
    return nil
  }
}

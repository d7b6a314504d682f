/// Which keys hold what must not be shown, misspelt ones too: a problem on the same line quotes the line.
enum SecretKeys {
  private static let words = ["secret", "token", "password", "passwd", "access_key", "credential"]

  static func hides(_ key: String) -> Bool {
    let lowercase = key.lowercased()
    return words.contains { lowercase.contains($0) }
  }

  /// The column after the first colon behind such a word, for text that is not YAML.
  static func valueStart(in line: [Unicode.Scalar]) -> Int? {
    var name = String.UnicodeScalarView()
    for (index, scalar) in line.enumerated() {
      if scalar == ":", hides(String(name)) { return index + 2 }
      name.append(scalar)
    }
    return nil
  }
}

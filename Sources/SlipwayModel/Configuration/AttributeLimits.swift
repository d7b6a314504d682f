/// What S3 allows of an object's tags and metadata.
public enum AttributeLimits {
  /// Tags an object (Amazon S3 User Guide, "Categorizing your objects using tags").
  public static let tags = 10
  /// In characters of UTF-16, as S3 counts them (ibid.).
  public static let tagName = 128
  public static let tagValue = 256
  /// The entry of the metadata that tells an object of ours from another's. No other may have its name: there would be
  /// two fields of one name, and neither would be believed.
  public static let tokenName = "slipway-token"
  /// What that entry needs at the most, in bytes: the name; 128 bits, a hyphen and 64 bits in hexadecimal.
  public static let tokenEntry = tokenName.utf8.count + 32 + 1 + 16
  /// Of all other names and values together, in bytes: S3 allows 2,048 (Amazon S3 User Guide, "User-defined object
  /// metadata").
  public static let metadata = 2048 - tokenEntry

  /// What is wrong with a tag: one clause; nil if nothing is.
  public static func problem(withTag name: String, _ value: String) -> String? {
    if name.isEmpty { return "a tag needs a name" }
    if name.utf16.count > tagName { return "the name of a tag has at most \(tagName) characters" }
    if value.utf16.count > tagValue { return "the value of a tag has at most \(tagValue) characters" }
    if hasControlCharacters(name) || hasControlCharacters(value) { return "a tag has no control characters" }
    // Reserved for AWS's own (ibid.).
    return name.lowercased().hasPrefix("aws:") ? "the name of a tag does not begin with 'aws:'" : nil
  }

  /// What is wrong with an entry of the metadata: one clause; nil if nothing is. Name and value stand in a header field.
  public static func problem(withMetadata name: String, _ value: String) -> String? {
    if !isMetadataName(name) { return "the name of metadata has only letters, digits, '.', '_' and '-'" }
    if isReserved(name) { return "this name of metadata is Slipway's own" }
    return isPrintable(value)
      ? nil : "the value of metadata has only printable ASCII characters, none of them a space at an end"
  }

  /// Names of header fields have no case.
  public static func isReserved(_ name: String) -> Bool { name.lowercased() == tokenName }

  /// In bytes.
  public static func size(ofMetadata metadata: [String: String]) -> Int {
    metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
  }

  /// Whether `text` can be a header field's value: the part of it that no proxy and no signature change.
  public static func isPrintable(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && text.first != " " && text.last != " "
  }

  /// A part of what RFC 9110 calls a token: that which every server keeps.
  public static func isMetadataName(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
          || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E
      }
  }

  private static func hasControlCharacters(_ text: String) -> Bool {
    text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
  }
}

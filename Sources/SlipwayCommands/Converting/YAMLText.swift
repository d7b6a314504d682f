import SlipwayModel

/// Text as a scalar of a workflow file.
enum YAMLText {
  /// In quotes, and without a reference to the environment in it.
  static func quoted(_ text: String) -> String {
    var plain = ""
    var rest = Substring(text)
    while let range = rest.firstRange(of: "${") {
      plain += rest[..<range.lowerBound] + "$${"
      rest = rest[range.upperBound...]
    }
    plain += rest
    let isPrintable = plain.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
    return isPrintable ? single(plain) : double(plain)
  }

  private static func single(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
  }

  private static func double(_ text: String) -> String {
    let pieces = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"", "\\": "\\\(scalar)"
      case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
        "\\x\(hexadecimal([UInt8(truncatingIfNeeded: scalar.value)]))"
      default: "\(scalar)"
      }
    }
    return "\"" + pieces.joined() + "\""
  }
}

import SlipwayModel

/// What `--attr` gives every object: `NAME=VALUE;NAME=VALUE`, with quotes around what has a `;` in it.
struct MCAttributes {
  private(set) var metadata: [(name: String, value: String)] = []
  /// By the keys of `headers`.
  private(set) var headers: [(name: String, value: String)] = []
  /// The names of what cannot be had, each with why.
  private(set) var lost: [String] = []

  private static let fields = [
    "cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires",
  ]

  init(_ text: String) throws(ConversionProblem) {
    for pair in try Self.pairs(text) { take(pair.name.lowercased(), pair.value) }
  }

  private mutating func take(_ name: String, _ value: String) {
    let own = name.hasPrefix("x-amz-meta-") ? String(name.dropFirst("x-amz-meta-".count)) : name
    if Self.fields.contains(name) {
      guard AttributeLimits.isPrintable(value), !value.isEmpty else {
        return lose(name, "its value cannot be a header's")
      }
      headers.append((name.replacing("-", with: "_"), value))
    } else if own == name, name.hasPrefix("x-amz-") {
      lose(name, "the destination has keys for what S3 itself knows: storage_class, acl, sse, tags")
    } else if let problem = AttributeLimits.problem(withMetadata: own, value) {
      lose(own, problem)
    } else {
      metadata.removeAll { $0.name == own }
      metadata.append((own, value))
    }
  }

  private mutating func lose(_ name: String, _ why: String) { lost.append("\(escaped(name.utf8.prefix(80))): \(why)") }

  private static func pairs(_ text: String) throws(ConversionProblem) -> [(name: String, value: String)] {
    var pairs: [(name: String, value: String)] = []
    var (name, value): (String?, String) = (nil, "")
    var quote: Character?
    for character in text + ";" {
      switch character {
      case "'", "\"":
        if quote == nil {
          quote = character
        } else if quote == character {
          quote = nil
        } else {
          value.append(character)
        }
      case "=" where quote == nil && name == nil: (name, value) = (value, "")
      case ";" where quote == nil:
        guard let given = name, !given.isEmpty else {
          throw ConversionProblem(message: "--attr needs NAME=VALUE, several with ';' between them", isUsage: true)
        }
        pairs.append((given, value))
        (name, value) = (nil, "")
      default: value.append(character)
      }
    }
    if quote != nil { throw ConversionProblem(message: "--attr: a quote has no end", isUsage: true) }
    return pairs
  }
}

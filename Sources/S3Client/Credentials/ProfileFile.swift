import SlipwayModel

/// The sections of `~/.aws/config` or `~/.aws/credentials`, as the AWS SDKs and Tools Reference Guide ("Shared config
/// and credentials files") has them. Pure.
struct ProfileFile: Hashable {
  enum Kind {
    /// A profile's section is called `[profile NAME]`, but for `[default]`.
    case config
    /// A profile's section is called `[NAME]`.
    case credentials
  }

  /// Names of properties are lowercase; nested lines stand in the value of the one above, each after a line feed.
  private(set) var profiles: [String: [String: String]] = [:]
  /// What profiles refer to, by title: `sso-session x`, `services x`.
  private(set) var sections: [String: [String: String]] = [:]

  static let sizeLimit = 1 << 20

  /// Throws the number of the line that is neither a section, a property nor a comment. The line itself may be a
  /// secret without its name, so it is not told.
  init(_ bytes: [UInt8], _ kind: Kind) throws(BrokenLine) {
    var section: Section?
    var property: String?
    for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let text = Self.trimmed(String(decoding: line, as: UTF8.self)[...])
      if text.isEmpty || text.hasPrefix("#") || text.hasPrefix(";") { continue }
      let isNested = line.first == 0x20 || line.first == 0x09
      if isNested, property != nil {
        add("\n" + text, to: property, section)
      } else if text.hasPrefix("["), !isNested {
        guard let found = Self.section(text, kind) else { throw BrokenLine(number: index + 1) }
        (section, property) = (found, nil)
        begin(found)
      } else {
        guard let equals = text.firstIndex(of: "="), section != nil else { throw BrokenLine(number: index + 1) }
        let name = Self.trimmed(text[..<equals]).lowercased()
        guard !name.isEmpty else { throw BrokenLine(number: index + 1) }
        property = name
        set(name, Self.value(text[text.index(after: equals)...]), section)
      }
    }
  }

  struct BrokenLine: Error, Hashable {
    let number: Int
  }

  private enum Section {
    case profile(String)
    /// `[profile default]`, which wins over `[default]` whatever their order.
    case namedDefault
    /// Any other; its title with a single space.
    case other(String)
  }

  private var hasNamedDefault = false

  private mutating func begin(_ section: Section) {
    switch section {
    case .profile(let name): profiles[name, default: [:]].merge([:]) { $1 }
    case .namedDefault:
      if !hasNamedDefault { profiles["default"] = [:] }
      hasNamedDefault = true
    case .other(let title): sections[title, default: [:]].merge([:]) { $1 }
    }
  }

  private mutating func set(_ name: String, _ value: String, _ section: Section?) {
    if case .other(let title)? = section { sections[title]?[name] = value }
    if let profile = profile(of: section) { profiles[profile]?[name] = value }
  }

  private mutating func add(_ text: String, to property: String?, _ section: Section?) {
    if let property, case .other(let title)? = section { sections[title]?[property]? += text }
    if let property, let profile = profile(of: section) { profiles[profile]?[property]? += text }
  }

  private func profile(of section: Section?) -> String? {
    switch section {
    case .profile(let name): name == "default" && hasNamedDefault ? nil : name
    case .namedDefault: "default"
    case .other, nil: nil
    }
  }

  private static func section(_ text: Substring, _ kind: Kind) -> Section? {
    guard let end = text.firstIndex(of: "]") else { return nil }
    let behind = trimmed(text[text.index(after: end)...])
    guard behind.isEmpty || behind.hasPrefix("#") || behind.hasPrefix(";") else { return nil }
    let title = trimmed(text[..<end].dropFirst())
    guard !title.isEmpty else { return nil }
    if kind == .credentials { return .profile(String(title)) }
    guard let space = title.firstIndex(where: { $0 == " " || $0 == "\t" }) else {
      return title == "default" ? .profile("default") : .other(String(title))
    }
    let name = unquoted(trimmed(title[space...]))
    guard title[..<space] == "profile", !name.isEmpty else { return .other("\(title[..<space]) \(name)") }
    return name == "default" ? .namedDefault : .profile(name)
  }

  /// The properties in nested lines; those are no sections of their own.
  static func nested(_ value: String?) -> [String: String] {
    let pairs = (value ?? "").split(separator: "\n").compactMap { line -> (String, String)? in
      guard let equals = line.firstIndex(of: "=") else { return nil }
      return (trimmed(line[..<equals]).lowercased(), Self.value(line[line.index(after: equals)...]))
    }
    return Dictionary(pairs) { $1 }
  }

  private static func unquoted(_ name: Substring) -> String {
    for quote in ["\"", "'"] where name.count > 2 && name.hasPrefix(quote) && name.hasSuffix(quote) {
      return String(name.dropFirst().dropLast())
    }
    return String(name)
  }

  /// Up to a comment, which needs a space in front: keys may hold `#` and `;`.
  private static func value(_ text: Substring) -> String {
    var previous: Character = "x"
    for index in text.indices {
      let character = text[index]
      if character == "#" || character == ";", previous == " " || previous == "\t" {
        return String(trimmed(text[..<index]))
      }
      previous = character
    }
    return String(trimmed(text))
  }

  private static func trimmed(_ text: Substring) -> Substring {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    let rest = text.drop(while: isSpace)
    return rest.lastIndex { !isSpace($0) }.map { rest[...$0] } ?? ""
  }
}

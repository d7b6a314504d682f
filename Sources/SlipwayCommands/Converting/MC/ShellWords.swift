import SlipwayModel

/// A command line as one text, taken apart as sh(1) takes apart plain words and quotes. What a shell would replace, or
/// act upon, is not understood, but for `~` in front.
struct ShellWords {
  private(set) var words: [String] = []
  private let home: String?
  /// The word that is being read; nil between two.
  private var word: String?
  private var rest: Substring

  static func split(_ line: String, home: String?) throws(ConversionProblem) -> [String] {
    var reader = ShellWords(line, home: home)
    while let character = reader.rest.popFirst() { try reader.take(character) }
    reader.endWord()
    return reader.words
  }

  private init(_ line: String, home: String?) {
    // The end of a line in a text is a pair where it comes from elsewhere: one character to Swift.
    rest = Substring(line.replacing("\r\n", with: "\n"))
    self.home = home
  }

  private mutating func take(_ character: Character) throws(ConversionProblem) {
    switch character {
    case " ", "\t", "\n": endWord()
    case "'": try takeQuoted()
    case "\"": try takeDoubleQuoted()
    case "\\": takeEscaped()
    case "~" where word == nil && (rest.first.map { "/ \t\n".contains($0) } ?? true): add(home ?? "~")
    case "$", "`", "|", "&", ";", "<", ">", "(", ")":
      throw ConversionProblem(
        message: "only plain words and quotes are understood, and there is '\(character)': write what it stands for, "
          + "or let the shell do so: slipway convert mc -- ARGS…", isUsage: true)
    default: add(String(character))
    }
  }

  private mutating func takeQuoted() throws(ConversionProblem) {
    guard let end = rest.firstIndex(of: "'") else { throw Self.open }
    add(String(rest[..<end]))
    rest = rest[rest.index(after: end)...]
  }

  private mutating func takeDoubleQuoted() throws(ConversionProblem) {
    add("")
    while let character = rest.popFirst() {
      switch character {
      case "\"": return
      case "\\" where rest.first.map { "\"\\$`\n".contains($0) } ?? false: takeEscaped()
      case "$", "`": try take(character)
      default: add(String(character))
      }
    }
    throw Self.open
  }

  /// The end of a line behind a backslash is nothing.
  private mutating func takeEscaped() {
    guard let next = rest.popFirst() else { return add("\\") }
    if next != "\n" { add(String(next)) }
  }

  private mutating func add(_ text: String) { word = (word ?? "") + text }

  private mutating func endWord() {
    if let word { words.append(word) }
    word = nil
  }

  private static let open = ConversionProblem(message: "a quote has no end", isUsage: true)
}

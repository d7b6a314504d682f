/// Goes through Swift text once and leaves out comments and the content of string literals. It does not know
/// interpolation: what stands in `\(…)` counts as text of the literal.
struct CodeScanner {
  private let characters: [Character]
  private var position = 0
  private var code = ""

  init(_ text: String) {
    characters = Array(text)
  }

  mutating func codeOnly() -> String {
    while position < characters.count {
      if isNext("//") {
        skip { !$0.isNewline }
      } else if isNext("/*") {
        skipBlockComment()
      } else if let hashes = rawStringDelimiter() {
        skipString(hashes: hashes)
      } else {
        take()
      }
    }
    return code
  }

  private mutating func take() {
    code.append(characters[position])
    position += 1
  }

  private mutating func skip(while condition: (Character) -> Bool) {
    while position < characters.count, condition(characters[position]) { position += 1 }
  }

  /// Line breaks stay, so that lines keep their numbers.
  private mutating func drop(_ count: Int) {
    for _ in 0..<count where position < characters.count {
      if characters[position].isNewline { code.append("\n") }
      position += 1
    }
  }

  /// They nest in Swift.
  private mutating func skipBlockComment() {
    var depth = 0
    repeat {
      if isNext("/*") {
        depth += 1
        drop(2)
      } else if isNext("*/") {
        depth -= 1
        drop(2)
      } else {
        drop(1)
      }
    } while depth > 0 && position < characters.count
  }

  /// The number of `#` in front of a quote that begins here; nil if no string does.
  private func rawStringDelimiter() -> Int? {
    var end = position
    while end < characters.count, characters[end] == "#" { end += 1 }
    return end < characters.count && characters[end] == "\"" ? end - position : nil
  }

  private mutating func skipString(hashes: Int) {
    let fence = String(repeating: "#", count: hashes)
    position += hashes
    let quote = isNext("\"\"\"") ? "\"\"\"" : "\""
    drop(quote.count)
    code += "\""
    while position < characters.count, !isNext(quote + fence) {
      drop(isNext("\\" + fence) ? 2 + hashes : 1)
    }
    drop(quote.count + hashes)
    code += "\""
  }

  private func isNext(_ text: String) -> Bool {
    var index = position
    for character in text {
      guard index < characters.count, characters[index] == character else { return false }
      index += 1
    }
    return true
  }
}

/// Why a text cannot be expanded.
struct SubstitutionProblem: Error {
  let message: String
}

/// Replaces `${NAME}` and `${NAME:-default}` by the environment; `$${` is a literal `${`, any other `$` stays.
///
/// What was put in is not looked at again, and it comes after parsing: a variable can add neither a reference nor YAML.
struct Substitution {
  let environment: [String: String]

  /// Of an expanded text, in bytes.
  static let longest = 64 * 1024

  func expanded(_ text: String) throws(SubstitutionProblem) -> String {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
      result += rest[..<dollar]
      rest = rest[dollar...]
      if rest.starts(with: "$${".utf8) {
        result += "${".utf8
        rest = rest.dropFirst(3)
      } else if rest.starts(with: "${".utf8) {
        result += try reference(&rest).utf8
      } else {
        result.append(UInt8(ascii: "$"))
        rest = rest.dropFirst()
      }
      try checkLength(result.count)
    }
    try checkLength(result.count + rest.count)
    return String(decoding: result + rest, as: UTF8.self)
  }

  /// Takes one reference, which begins with `${`, from the front of `text`.
  private func reference(_ text: inout ArraySlice<UInt8>) throws(SubstitutionProblem) -> String {
    guard let end = text.firstIndex(of: UInt8(ascii: "}")) else {
      throw SubstitutionProblem(message: "'${' without '}'; write '$${' for a literal '${'")
    }
    let body = text[(text.startIndex + 2)..<end]
    text = text[(end + 1)...]
    let name = body.prefix { EnvironmentNames.isNameByte($0) }
    let rest = body[name.endIndex...]
    guard EnvironmentNames.isValid(name), rest.isEmpty || rest.starts(with: ":-".utf8) else {
      throw SubstitutionProblem(
        message: "expected '${NAME}' or '${NAME:-default}', found "
          + quoted("${\(String(decoding: body, as: UTF8.self))}") + "; write '$${' for a literal '${'")
    }
    return try value(of: String(decoding: name, as: UTF8.self), fallback: rest.isEmpty ? nil : rest.dropFirst(2))
  }

  /// As in a shell, an empty variable yields to the default, too.
  private func value(of name: String, fallback: ArraySlice<UInt8>?) throws(SubstitutionProblem) -> String {
    let value = environment[name]
    if let fallback, value?.isEmpty ?? true { return String(decoding: fallback, as: UTF8.self) }
    guard let value else {
      throw SubstitutionProblem(message: "the environment variable \(quoted(name)) is not set and has no default")
    }
    return value
  }

  private func checkLength(_ count: Int) throws(SubstitutionProblem) {
    if count > Self.longest {
      throw SubstitutionProblem(message: "the text has more than \(Self.longest) bytes")
    }
  }
}

/// The names of environment variables: `[A-Za-z_][A-Za-z0-9_]*`.
enum EnvironmentNames {
  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  static func isValid(_ name: some Collection<UInt8>) -> Bool {
    guard let first = name.first, !(0x30...0x39).contains(first) else { return false }
    return name.allSatisfy(isNameByte)
  }
}

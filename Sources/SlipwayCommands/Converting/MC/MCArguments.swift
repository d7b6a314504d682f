import SlipwayModel

/// A command line of mc, taken apart as mc does: `-name` and `--name` are one, a value stands behind `=` or is the next
/// word; in any order.
struct MCArguments {
  struct Given {
    let flag: MCFlag
    /// As it stands there: `--watch`, `-w`.
    let name: String
    /// Empty for one that takes none.
    let value: String
  }

  private(set) var given: [Given] = []
  private(set) var operands: [String] = []
  /// As what mc was called: its configuration lies in a directory of this name.
  private(set) var program = "mc"

  init(_ words: [String]) throws(ConversionProblem) {
    var rest = words[...]
    if let first = rest.first, let name = first.split(separator: "/").last, ["mc", "mcli"].contains(name) {
      program = String(name)
      rest.removeFirst()
    }
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        rest = []
      } else if word.hasPrefix("-"), word != "-" {
        try takeFlag(word, &rest)
      } else {
        operands.append(word)
      }
    }
    guard operands.first == "mirror" else { throw Self.notMirror(operands.first) }
    operands.removeFirst()
  }

  /// The last value of a flag counts, as for mc.
  func value(_ wanted: MCFlag.Key) -> String? {
    given.last { if case .key(wanted) = $0.flag.effect { true } else { false } }?.value
  }

  private mutating func takeFlag(_ word: String, _ rest: inout ArraySlice<String>) throws(ConversionProblem) {
    let dashes = word.hasPrefix("--") ? 2 : 1
    let parts = word.dropFirst(dashes).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    // What follows the equals sign may be a secret.
    let spelled = word.prefix(dashes) + escaped(name.utf8.prefix(80))
    guard let flag = MCFlag.named(name) else { throw Self.unknown(name, String(spelled)) }
    var value = parts.count > 1 ? String(parts[1]) : nil
    if !flag.takesValue {
      guard let isGiven = Self.boolean(value ?? "true") else {
        throw Self.usage("\(spelled) takes no value but true and false")
      }
      if isGiven { given.append(Given(flag: flag, name: String(spelled), value: "")) }
      return
    }
    value = value ?? rest.popFirst()
    guard let value else { throw Self.usage("\(spelled) needs a value") }
    given.append(Given(flag: flag, name: String(spelled), value: value))
  }

  /// As Go's strconv.ParseBool has it.
  private static func boolean(_ text: String) -> Bool? {
    if ["1", "t", "T", "true", "TRUE", "True"].contains(text) { return true }
    return ["0", "f", "F", "false", "FALSE", "False"].contains(text) ? false : nil
  }

  private static func notMirror(_ command: String?) -> ConversionProblem {
    guard let command else {
      return usage("there is no command; what is converted is: mc mirror [FLAGS] SOURCE TARGET")
    }
    return usage("mc's '\(escaped(command.utf8.prefix(80)))' is not converted, only 'mirror' is")
  }

  private static func unknown(_ name: String, _ spelled: String) -> ConversionProblem {
    let near = nearest(to: name, among: MCFlag.all.flatMap { $0.names }.filter { $0.utf8.count > 2 })
    return usage("mc mirror has no flag \(spelled)\(near.map { "; did you mean --\($0)?" } ?? "")")
  }

  private static func usage(_ message: String) -> ConversionProblem {
    ConversionProblem(message: message, isUsage: true)
  }
}

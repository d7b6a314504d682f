/// Text with fields in braces, of `target_prefix` and of a test's `key`.
public struct Template: Sendable, Hashable {
  public enum Part: Sendable, Hashable {
    case literal([UInt8])
    case workflow
    case tree
    case run
    /// Of the start of the run, in UTC; `strftime`'s `%Y %m %d %H %M %S %j %y %%`.
    case date(format: String)
    case environment(String)
    case host
  }

  public var parts: [Part]

  public init(_ parts: [Part] = []) {
    self.parts = parts
  }

  /// What the fields stand for; fixed at the start of a run.
  public struct Values: Sendable {
    public var workflow: WorkflowName
    public var tree: BytePath
    public var run: RunID
    public var date: CalendarDate
    public var environment: [String: [UInt8]]
    public var host: String

    public init(
      workflow: WorkflowName, tree: BytePath, run: RunID, date: CalendarDate, environment: [String: [UInt8]],
      host: String
    ) {
      self.workflow = workflow
      self.tree = tree
      self.run = run
      self.date = date
      self.environment = environment
      self.host = host
    }
  }

  /// The names of the environment variables that the template asks for.
  public var environmentNames: [String] {
    parts.compactMap { if case .environment(let name) = $0 { name } else { nil } }
  }

  /// The evaluated bytes. An environment variable that is not set is empty; the file's check told of it.
  public func evaluated(with values: Values) -> [UInt8] {
    parts.flatMap { part -> [UInt8] in
      switch part {
      case .literal(let bytes): bytes
      case .workflow: Array(values.workflow.text.utf8)
      case .tree: values.tree.bytes
      case .run: Array(values.run.text.utf8)
      case .date(let format): Array(values.date.formatted(format).utf8)
      case .environment(let name): values.environment[name] ?? []
      case .host: Array(values.host.utf8)
      }
    }
  }
}

/// Why a template cannot be read: `offset` counts bytes from its start.
public struct TemplateProblem: Error, Hashable, Sendable {
  public let offset: Int
  public let message: String
}

extension Template {
  /// Reads `{workflow} {tree} {run} {date:FORMAT} {env.NAME} {host}`; `{{` and `}}` are literal braces.
  public init(parsing text: String) throws(TemplateProblem) {
    var parts: [Part] = []
    var literal: [UInt8] = []
    let bytes = Array(text.utf8)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      let isDoubled = index + 1 < bytes.count && bytes[index + 1] == byte
      if byte == UInt8(ascii: "{"), !isDoubled {
        guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else {
          throw TemplateProblem(offset: index, message: "'{' without '}'; write '{{' for a literal brace")
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        literal = []
        parts.append(try Self.field(String(decoding: bytes[(index + 1)..<end], as: UTF8.self), at: index))
        index = end + 1
      } else if byte == UInt8(ascii: "}"), !isDoubled {
        throw TemplateProblem(offset: index, message: "'}' without '{'; write '}}' for a literal brace")
      } else {
        literal.append(byte)
        index += byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") ? 2 : 1
      }
    }
    if !literal.isEmpty { parts.append(.literal(literal)) }
    self.init(parts)
  }

  private static func field(_ text: String, at offset: Int) throws(TemplateProblem) -> Part {
    switch text {
    case "workflow": return .workflow
    case "tree": return .tree
    case "run": return .run
    case "host": return .host
    default: break
    }
    if text.hasPrefix("date:") { return .date(format: try checkedFormat(String(text.dropFirst(5)), at: offset)) }
    if text.hasPrefix("env."), text.utf8.count > 4 { return .environment(String(text.dropFirst(4))) }
    throw TemplateProblem(
      offset: offset,
      message:
        "unknown field '{\(escaped(text.utf8))}'; there are {workflow}, {tree}, {run}, {date:FORMAT}, {env.NAME} and {host}"
    )
  }

  private static func checkedFormat(_ format: String, at offset: Int) throws(TemplateProblem) -> String {
    var letters = format.unicodeScalars.makeIterator()
    while let letter = letters.next() {
      guard letter == "%" else { continue }
      guard let code = letters.next(), CalendarDate.formatLetters.contains(code) else {
        throw TemplateProblem(
          offset: offset,
          message: "unknown date format '\(escaped(format.utf8))'; there are %Y %y %m %d %H %M %S %j and %%")
      }
    }
    if format.isEmpty {
      throw TemplateProblem(offset: offset, message: "{date:} needs a format, as in {date:%Y/%m/%d}")
    }
    return format
  }
}

extension CalendarDate {
  static let formatLetters: Set<Unicode.Scalar> = ["Y", "y", "m", "d", "H", "M", "S", "j", "%"]

  /// The date by `strftime`'s letters; only those of `Template` are known, others stay as they are.
  public func formatted(_ format: String) -> String {
    var text = ""
    var letters = format.unicodeScalars.makeIterator()
    while let letter = letters.next() {
      guard letter == "%", let code = letters.next() else {
        text.unicodeScalars.append(letter)
        continue
      }
      switch code {
      case "Y": text += digits(year, 4)
      case "y": text += digits(year % 100, 2)
      case "m": text += digits(month, 2)
      case "d": text += digits(day, 2)
      case "H": text += digits(hour, 2)
      case "M": text += digits(minute, 2)
      case "S": text += digits(second, 2)
      case "j": text += digits(dayOfYear, 3)
      default: text.unicodeScalars.append(code)
      }
    }
    return text
  }
}

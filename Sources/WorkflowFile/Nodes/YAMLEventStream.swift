import CLibyaml

/// One event of libyaml's parser, with what Slipway reads of it.
struct YAMLEvent {
  enum Kind {
    case streamStart, streamEnd, documentStart, documentEnd, listEnd, mappingEnd
    case alias(String)
    case scalar(Scalar)
    case list
    case mapping
  }

  let kind: Kind
  let anchor: String?
  let tag: String?
  let mark: Mark
  /// One behind the last character; line and column count from 1.
  let end: (line: Int, column: Int)
}

/// The events of a file, one at a time. One thread.
///
/// Events rather than libyaml's document: its loader compares each anchor with all before, expands nothing, and tells
/// of an alias only where the anchor stands. So each bound is checked before anything is built.
final class YAMLEventStream {
  private let source: SourceFile
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>
  private let isReady: Bool
  private var skipped = 0

  init(_ source: SourceFile) {
    self.source = source
    // The parser points into its input and into itself, so neither may move.
    input = UnsafeMutableBufferPointer.allocate(capacity: source.bytes.count)
    _ = input.initialize(from: source.bytes)
    parser = UnsafeMutablePointer.allocate(capacity: 1)
    isReady = yaml_parser_initialize(parser) == 1
    guard isReady else { return }
    // libyaml drops a byte order mark only where it guesses the encoding, and then takes UTF-16, too.
    skipped = source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let text = UnsafeMutableBufferPointer(rebasing: input[skipped...])
    yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
  }

  deinit {
    if isReady { yaml_parser_delete(parser) }
    parser.deallocate()
    input.deallocate()
  }

  func next() throws(SyntaxProblem) -> YAMLEvent {
    guard isReady else { throw SyntaxProblem(message: "no memory for the parser", mark: source.start) }
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
    defer { yaml_event_delete(&event) }
    return read(event)
  }

  private func read(_ event: yaml_event_t) -> YAMLEvent {
    var anchor: UnsafeMutablePointer<yaml_char_t>?
    var tag: UnsafeMutablePointer<yaml_char_t>?
    let kind: YAMLEvent.Kind
    switch event.type {
    case YAML_STREAM_START_EVENT: kind = .streamStart
    case YAML_DOCUMENT_START_EVENT: kind = .documentStart
    case YAML_DOCUMENT_END_EVENT: kind = .documentEnd
    case YAML_SEQUENCE_END_EVENT: kind = .listEnd
    case YAML_MAPPING_END_EVENT: kind = .mappingEnd
    case YAML_ALIAS_EVENT: kind = .alias(Self.text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      (anchor, tag) = (event.data.scalar.anchor, event.data.scalar.tag)
      kind = .scalar(Self.scalar(event))
    case YAML_SEQUENCE_START_EVENT:
      (anchor, tag) = (event.data.sequence_start.anchor, event.data.sequence_start.tag)
      kind = .list
    case YAML_MAPPING_START_EVENT:
      (anchor, tag) = (event.data.mapping_start.anchor, event.data.mapping_start.tag)
      kind = .mapping
    default: kind = .streamEnd
    }
    return YAMLEvent(
      kind: kind, anchor: Self.text(anchor), tag: Self.text(tag), mark: mark(event.start_mark),
      end: (Int(event.end_mark.line) + 1, Int(event.end_mark.column) + 1))
  }

  private static func scalar(_ event: yaml_event_t) -> Scalar {
    let scalar = event.data.scalar
    let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
    return Scalar(text: String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }

  private func mark(_ mark: yaml_mark_t) -> Mark {
    Mark(source: source, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  private func problem() -> SyntaxProblem {
    let parser = parser.pointee
    let words = parser.problem.map { String(cString: $0) } ?? "no memory"
    if parser.error == YAML_READER_ERROR {
      let mark = source.mark(atByte: parser.problem_offset + skipped)
      return words.contains("control characters")
        ? SyntaxProblem(message: "a control character is not allowed in YAML", mark: mark)
        : SyntaxProblem(message: "the file is not UTF-8: \(words)", mark: mark)
    }
    let mark = mark(parser.problem_mark)
    if words.contains("cannot start any token"), source.shownLine(mark.line)?.dropFirst(mark.column - 1).first == "\t" {
      return SyntaxProblem(message: "a tab may not indent; use spaces", mark: mark)
    }
    if words.hasSuffix("expected <document start>") {
      let message = "the document ends before this line; a file has only one, and its keys begin in one column"
      return SyntaxProblem(message: message, mark: mark)
    }
    let context = context()
    return SyntaxProblem(message: "this is not YAML: \(words)\(context)\(hint(mark, context))", mark: mark)
  }

  /// What was being read, and where it began if that was on an earlier line.
  private func context() -> String {
    let parser = parser.pointee
    guard let words = parser.context.map({ String(cString: $0) }) else { return "" }
    let isEarlier = parser.context_mark.line < parser.problem_mark.line
    return " (\(words)\(isEarlier ? " that begins on line \(parser.context_mark.line + 1)" : ""))"
  }

  /// The braces of `${NAME}` are YAML's own inside braces and brackets.
  private func hint(_ mark: Mark, _ context: String) -> String {
    guard context.contains("flow"), let line = source.shownLine(mark.line) else { return "" }
    let isReference = zip(line, line.dropFirst()).contains { $0 == "$" && $1 == "{" }
    return isReference ? "; inside { } and [ ] a '${NAME}' must stand in quotes" : ""
  }
}

import SlipwayModel

/// The text of one workflow file, with what is needed to show a line of it. One thread.
final class SourceFile {
  /// Among the files of one load, from 0.
  let order: Int
  /// As the user named it, escaped.
  let name: String
  /// Absolute; what relative paths in the file are relative to.
  let directory: BytePath
  let bytes: [UInt8]
  private lazy var lines = LineIndex(bytes)
  private var secrets: [Int: [Range<Int>]] = [:]
  private var isMaskedByText = false
  /// A file of one long line is not read again for each of its problems.
  private var latestLine: (number: Int, scalars: [Unicode.Scalar])?

  init(order: Int, path: BytePath, workingDirectory: BytePath, bytes: [UInt8]) {
    self.order = order
    self.name = path.description
    self.directory = (path.isAbsolute ? path : workingDirectory.appending(path)).normalized.parent
    self.bytes = bytes
  }

  var start: Mark { Mark(source: self, line: 1, column: 1) }

  /// The place of a byte.
  func mark(atByte offset: Int) -> Mark {
    let (line, column) = lines.place(ofByte: offset, in: bytes)
    return Mark(source: self, line: line, column: column)
  }

  /// What stands from `start` to before `end` is never shown.
  func hide(from start: (line: Int, column: Int), to end: (line: Int, column: Int)) {
    latestLine = nil
    for line in start.line...max(start.line, end.line) {
      let first = line == start.line ? start.column : 1
      let last = line == end.line ? max(first, end.column) : Int.max
      secrets[line, default: []].append(first..<last)
    }
  }

  /// Hides by the look of the text, for a file that cannot be parsed.
  func hideSecretsByText() {
    latestLine = nil
    isMaskedByText = true
  }

  /// The scalars of a line with secrets as asterisks; nil if there is no such line or it is empty.
  func shownLine(_ number: Int) -> [Unicode.Scalar]? {
    if let latestLine, latestLine.number == number { return latestLine.scalars }
    guard let range = lines.range(of: number), !range.isEmpty else { return nil }
    var scalars = Array(String(decoding: bytes[range], as: UTF8.self).unicodeScalars)
    for secret in secrets[number] ?? [] { Self.mask(&scalars, secret) }
    if isMaskedByText, let start = SecretKeys.valueStart(in: scalars) { Self.mask(&scalars, start..<Int.max) }
    latestLine = (number, scalars)
    return scalars
  }

  private static func mask(_ scalars: inout [Unicode.Scalar], _ columns: Range<Int>) {
    let indices = scalars.indices.clamped(to: (columns.lowerBound - 1)..<(columns.upperBound - 1))
    for index in indices where scalars[index] != " " && scalars[index] != "\t" { scalars[index] = "*" }
  }
}

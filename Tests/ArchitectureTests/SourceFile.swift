import Foundation

/// A file of the repository: where it lies and what stands in it.
struct SourceFile {
  /// Relative to the repository, with `/`.
  let path: String
  let text: String

  /// `Sources/TARGET/…`; empty for a file elsewhere.
  var target: String {
    let components = path.split(separator: "/")
    return components.count > 2 && components[0] == "Sources" ? String(components[1]) : ""
  }

  var lineCount: Int {
    text.split(separator: "\n", omittingEmptySubsequences: false).count - (text.hasSuffix("\n") ? 1 : 0)
  }

  /// The modules that the file imports, each once.
  var imports: Set<String> {
    Set(code.split(separator: "\n").compactMap { Self.importedModule(in: String($0)) })
  }

  /// The lines of the file without comments and string literals, so that a check reads code alone.
  var code: String {
    var scanner = CodeScanner(text)
    return scanner.codeOnly()
  }

  private static func importedModule(in line: String) -> String? {
    let pattern =
      /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|var|let|actor)\s+)?(\w+)/
    return line.firstMatch(of: pattern).map { String($0.output.1) }
  }
}

/// The repository that this file was compiled in.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every Swift file below `directory`, in order of the paths.
  static func swiftFiles(below directory: String) throws -> [SourceFile] {
    let start = root.appendingPathComponent(directory).path
    guard let walk = FileManager.default.enumerator(atPath: start) else { throw CocoaError(.fileReadNoSuchFile) }
    let paths = walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }
    return try paths.sorted().map { try file("\(directory)/\($0)") }
  }

  static func file(_ path: String) throws -> SourceFile {
    SourceFile(path: path, text: try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8))
  }

  /// The targets that have a directory with files in it.
  static func targetDirectories() throws -> [String] {
    let sources = root.appendingPathComponent("Sources")
    return try FileManager.default.contentsOfDirectory(atPath: sources.path).filter { name in
      let inside = FileManager.default.enumerator(atPath: sources.appendingPathComponent(name).path)
      return inside?.contains { ($0 as? String)?.contains(".") == true } == true
    }.sorted()
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }
}

/// What is wrong with sources, as sentences; an empty answer is a good one. Pure, so that each check can be shown a
/// violation.
enum Checks {
  /// Arrows that the table does not draw, and targets that it does not know.
  static func imports(of files: [SourceFile], by table: ImportTable = .house) -> [String] {
    files.flatMap { file -> [String] in
      guard let allowed = table.allowedImports(of: file.target) else {
        return ["\(file.path): there is no target \(file.target) in the import table"]
      }
      // Foundation has a check of its own, with a list of its own.
      return file.imports.subtracting(allowed).subtracting([file.target, "Foundation"]).sorted().map {
        "\(file.path): \(file.target) may not import \($0)"
      }
    }
  }

  /// `import Foundation`, which brings ICU and a `Regex` without bounds, where FoundationEssentials or nothing would do.
  static func foundation(in files: [SourceFile], allowing allowed: Set<String>) -> [String] {
    let found = files.filter { $0.imports.contains("Foundation") }.map(\.path)
    return found.filter { !allowed.contains($0) }.map {
      "\($0): imports Foundation; use Glibc or FoundationEssentials"
    } + allowed.subtracting(found).sorted().map { "\($0): does not import Foundation any more; take it off the list" }
  }

  /// Files that have grown too long. `known` may only shrink: a file in it may not become longer, and leaves it once it
  /// is short enough.
  static func length(of files: [SourceFile], limit: Int, known: [String: Int]) -> [String] {
    let paths = Set(files.map(\.path))
    let gone = known.keys.filter { !paths.contains($0) }.sorted().map { "\($0): is gone; take it off the list" }
    return gone
      + files.compactMap { file in
        let lines = file.lineCount
        guard let ratchet = known[file.path] else {
          return lines > limit ? "\(file.path): has \(lines) lines, the limit is \(limit)" : nil
        }
        if lines > ratchet { return "\(file.path): has grown from \(ratchet) to \(lines) lines" }
        return lines < ratchet ? "\(file.path): has shrunk to \(lines) lines; write that on the list" : nil
      }
  }

  /// Writing to stdout is for the rim: everybody else logs or returns.
  static func printing(in files: [SourceFile], by table: ImportTable = .house) -> [String] {
    let rim = table.targets(in: [.rim, .main])
    return files.filter { !rim.contains($0.target) }.flatMap { file in
      lines(of: file, matching: /(?:^|[^\w.`])(?:print|debugPrint|dump)\(/).map { "\(file.path):\($0): prints" }
    }
  }

  /// What ends the process where an error should have been told.
  static func traps(in files: [SourceFile]) -> [String] {
    files.flatMap { file in
      lines(of: file, matching: /\btry!|\bas!|(?:^|[^\w.])(?:fatalError|preconditionFailure)\(/).map {
        "\(file.path):\($0): ends the process instead of throwing"
      }
    }
  }

  private static func lines(of file: SourceFile, matching pattern: some RegexComponent) -> [Int] {
    let lines = file.code.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.indices.filter { lines[$0].firstMatch(of: pattern) != nil }.map { $0 + 1 }
  }
}

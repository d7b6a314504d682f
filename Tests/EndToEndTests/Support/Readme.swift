import Foundation
import Testing

/// README.md of this repository, or another page of it, taken apart.
struct Readme {
  /// The repository's directory.
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  let lines: [String]

  init(_ page: String = "README.md") throws {
    let text = try String(contentsOf: Self.repository.appendingPathComponent(page), encoding: .utf8)
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  var text: String { lines.joined(separator: "\n") }

  /// The contents of the fenced blocks of a language, in order.
  func blocks(_ language: String) -> [String] {
    var blocks: [[String]] = []
    var isInside = false
    for line in lines {
      if line.hasPrefix("```") {
        isInside = !isInside && line == "```\(language)"
        if isInside { blocks.append([]) }
      } else if isInside {
        blocks[blocks.count - 1].append(line)
      }
    }
    return blocks.map { $0.joined(separator: "\n") + "\n" }
  }

  /// The one line of the block that follows the comment `<!-- NAME -->`.
  func command(marked name: String) throws -> String {
    let mark = try #require(lines.firstIndex(of: "<!-- \(name) -->"))
    try #require(lines[mark + 1] == "```sh" && lines[mark + 3] == "```", "one line, to be copied as a whole")
    return lines[mark + 2]
  }

  /// The rows of the table whose head begins so: the cells of each, between the bars.
  func table(_ head: String) throws -> [[String]] {
    let start = try #require(lines.firstIndex { $0.hasPrefix("| \(head) |") })
    let rows = lines[(start + 2)...].prefix { $0.hasPrefix("|") }
    return rows.map { row in row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
  }

  /// What stands between backticks.
  static func code(in text: String) -> [String] {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }
}

extension World {
  /// Files and directories of the repository, in the test's directory under their own names.
  func copyFromRepository(_ names: String...) throws {
    for name in names {
      try FileManager.default.copyItem(
        atPath: Readme.repository.appendingPathComponent(name).path, toPath: scratch(name))
    }
  }
}

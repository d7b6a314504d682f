import Foundation
import Testing

@testable import SlipwayCommands

@Suite("The page 'Coming from another tool'")
struct MCPageTests {
  @Test("It has every flag of mc, each as the program takes it")
  func flags() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(
      contentsOf: root.appendingPathComponent(
        "Sources/SlipwayCommands/Documentation.docc/Coming-from-another-tool.md"), encoding: .utf8)
    let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix("| mc mirror |") })
    let rows = lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { $0.split(separator: "|").map(String.init) }
    for flag in MCFlag.all {
      for name in flag.names {
        let spelled = (name.count > 2 ? "`--" : "`-") + name + "`"
        let row = try #require(rows.first { $0[0].contains(spelled) }, "\(spelled)")
        let says = row[1].trimmingCharacters(in: .whitespaces)
        switch flag.effect {
        case .needless: #expect(says.hasPrefix("nothing: "), "\(spelled): \(says)")
        case .lost: #expect(says.hasPrefix("none: "), "\(spelled): \(says)")
        case .key: #expect(!says.hasPrefix("nothing: ") && !says.hasPrefix("none: "), "\(spelled): \(says)")
        }
      }
    }
  }
}

import SlipwayModel

/// A line of a file for a terminal, and the blanks that put a caret under one of its columns.
///
/// Tabs stay, so that they are as wide below as above; whatever else would steer a terminal is escaped, and the caret
/// moves along. A long line is cut around the column.
struct SourceExcerpt {
  let line: String
  let indentation: String

  /// In scalars of the line.
  private static let longest = 160
  /// So much is left in front of the caret of a line that is cut.
  private static let lead = 80

  /// `column` counts from 1.
  init(_ scalars: [Unicode.Scalar], column: Int) {
    let caret = max(0, min(column - 1, scalars.count))
    let isLong = scalars.count > Self.longest
    let start = isLong ? max(0, min(caret - Self.lead, scalars.count - Self.longest)) : 0
    let end = isLong ? start + Self.longest : scalars.count
    var line = start > 0 ? "…" : ""
    var indentation = start > 0 ? " " : ""
    for index in start..<end {
      let shown = Self.shown(scalars[index])
      line += shown
      if index < caret { indentation += Self.blank(shown) }
    }
    self.line = end < scalars.count ? line + "…" : line
    self.indentation = indentation
  }

  private static func shown(_ scalar: Unicode.Scalar) -> String {
    scalar == "\t" || scalar == "\\" ? String(scalar) : escaped(String(scalar).utf8)
  }

  private static func blank(_ shown: String) -> String {
    shown == "\t" ? shown : String(repeating: " ", count: shown.unicodeScalars.reduce(0) { $0 + width($1) })
  }

  /// Columns of a terminal, as wcwidth(3) has them for the usual blocks.
  private static func width(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}

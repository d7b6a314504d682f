import GRDB
import SlipwayModel

/// What trees said of themselves as rows, and back.
enum TreeSettingsRows {
  private enum Kind: String {
    case filter, exclude, tag, metadata
    case targetPrefix = "target prefix"
    /// In which the patterns stand.
    case file
  }

  static func delete(of run: Int64, in database: Database) throws {
    try database.cachedStatement(sql: "DELETE FROM tree_settings WHERE run = ?").execute(with: run)
  }

  /// Of a run that has none yet.
  static func insert(_ settings: TreeSettings, of run: Int64, in database: Database) throws {
    let insert = try database.cachedStatement(
      sql: "INSERT OR REPLACE INTO tree_settings (run, kind, name, value) VALUES (?, ?, ?, ?)")
    func save(_ kind: Kind, _ name: String, _ value: String) throws {
      try insert.execute(with: run, kind.rawValue, name, value)
    }
    for (kind, rules) in [(Kind.filter, settings.filter), (.exclude, settings.exclude)] {
      for rule in rules { try save(kind, "\(rule.location.line):\(rule.location.column)", rule.pattern) }
    }
    if let file = (settings.filter + settings.exclude).first?.location.file { try save(.file, "", file) }
    for (name, value) in settings.tags { try save(.tag, name, value) }
    for (name, value) in settings.metadata { try save(.metadata, name, value) }
    if !settings.targetPrefix.isEmpty {
      try save(.targetPrefix, "", String(decoding: settings.targetPrefix, as: UTF8.self))
    }
  }

  static func settings(of run: Int64, in database: Database) throws -> TreeSettings {
    let statement = try database.cachedStatement(sql: "SELECT kind, name, value FROM tree_settings WHERE run = ?")
    let rows: [(kind: String, name: String, value: String)] = try statement.all(with: run) { row in
      (row.column(0), row.column(1), row.column(2))
    }
    var settings = TreeSettings()
    if rows.isEmpty { return settings }
    let file = rows.first { $0.kind == Kind.file.rawValue }?.value ?? ""
    for (kind, name, value) in rows {
      switch Kind(rawValue: kind) {
      case .filter: settings.filter.append(rule(value, at: name, in: file))
      case .exclude: settings.exclude.append(rule(value, at: name, in: file))
      case .tag: settings.tags[name] = value
      case .metadata: settings.metadata[name] = value
      case .targetPrefix: settings.targetPrefix = Array(value.utf8)
      case .file, nil: break
      }
    }
    settings.filter.sort { $0.location.precedes($1.location) }
    settings.exclude.sort { $0.location.precedes($1.location) }
    return settings
  }

  private static func rule(_ pattern: String, at place: String, in file: String) -> FilterRule {
    let numbers = place.split(separator: ":").compactMap { Int($0) }
    return FilterRule(
      pattern: pattern, location: SourceLocation(file: file, line: numbers.first ?? 1, column: numbers.last ?? 1))
  }
}

extension SourceLocation {
  fileprivate func precedes(_ other: SourceLocation) -> Bool { (line, column) < (other.line, other.column) }
}

/// What Package.swift says of the targets below Sources, read as text.
struct Manifest {
  /// Each target's dependencies, as the modules that they bring.
  let dependencies: [String: Set<String>]

  init(_ text: String) {
    let constants = Self.productConstants(in: text)
    var found: [String: Set<String>] = [:]
    for target in Self.targets(in: text) {
      found[target.name] = Set(target.items.compactMap { $0.hasPrefix("\"") ? Self.unquoted($0) : constants[$0] })
    }
    dependencies = found
  }

  /// Dependencies that the table does not allow, targets that it does not know, and imports without a dependency.
  func problems(with files: [SourceFile], directories: [String], by table: ImportTable = .house) -> [String] {
    var problems: [String] = []
    for (target, modules) in dependencies.sorted(by: { $0.key < $1.key }) {
      guard let allowed = table.allowedImports(of: target) else {
        problems.append("Package.swift: there is no target \(target) in the import table")
        continue
      }
      problems += modules.subtracting(allowed).sorted().map { "Package.swift: \(target) may not depend on \($0)" }
    }
    problems += directories.filter { dependencies[$0] == nil }.map { "Package.swift: does not name Sources/\($0)" }
    return problems + undeclaredImports(of: files)
  }

  private func undeclaredImports(of files: [SourceFile]) -> [String] {
    files.flatMap { file -> [String] in
      guard let declared = dependencies[file.target] else { return [] }
      // A product may bring more modules than the one of its name.
      let brought: Set<String> = declared.contains("GRDB") ? ["GRDBSQLite"] : []
      let known = declared.union(brought).union(ImportTable.platform).union([file.target, "Foundation"])
      return file.imports.subtracting(known).sorted().map {
        "Package.swift: \(file.target) imports \($0) (\(file.path)) without depending on it"
      }
    }
  }

  /// `let log = Target.Dependency.product(name: "Logging", …)`: the constant's name and its product's.
  private static func productConstants(in text: String) -> [String: String] {
    let pattern = /let\s+(\w+)\s*=\s*Target\.Dependency\.product\(name:\s*"(\w+)"/
    return Dictionary(text.matches(of: pattern).map { (String($0.output.1), String($0.output.2)) }) { $1 }
  }

  /// `library("NAME", […])`, `.executableTarget(name: "NAME", dependencies: […])` and `.systemLibrary(name: "NAME"`.
  private static func targets(in text: String) -> [(name: String, items: [String])] {
    let swift =
      /(?:\blibrary\(\s*|\.executableTarget\(\s*name:\s*)"(\w+)"(?:\s*,\s*(?:dependencies:\s*)?\[([^\]]*)\])?/
    let c = /\.systemLibrary\(\s*name:\s*"(\w+)"/
    // `.library(name:` is a product and has no quote right behind the parenthesis.
    return text.matches(of: swift).map { (String($0.output.1), items(in: $0.output.2 ?? "")) }
      + text.matches(of: c).map { (String($0.output.1), []) }
  }

  private static func items(in list: Substring) -> [String] {
    list.split { ",\n".contains($0) }.map { $0.trimmingPrefix(/\s+/) }.map {
      String($0.prefix { !$0.isWhitespace })
    }.filter { !$0.isEmpty }
  }

  private static func unquoted(_ text: String) -> String {
    String(text.dropFirst().dropLast())
  }
}

import Testing

@Suite("The house")
struct ArchitectureTests {
  /// Files that may import Foundation; none so far.
  static let foundationUsers: Set<String> = []
  /// Files over the limit, with their lengths; a ratchet that only goes down.
  static let longFiles: [String: Int] = [:]
  static let longestFile = 350

  let sources: [SourceFile]

  init() throws {
    sources = try Repository.swiftFiles(below: "Sources")
    try #require(!sources.isEmpty)
  }

  @Test("No import goes against the table")
  func imports() {
    #expect(Checks.imports(of: sources) == [])
  }

  @Test("Package.swift and the table agree")
  func manifest() throws {
    let manifest = Manifest(try Repository.file("Package.swift").text)
    #expect(manifest.problems(with: sources, directories: try Repository.targetDirectories()) == [])
  }

  @Test("Foundation is imported nowhere without need")
  func foundation() {
    #expect(Checks.foundation(in: sources, allowing: Self.foundationUsers) == [])
  }

  @Test("No file grows beyond 350 lines")
  func lengths() throws {
    let files = try sources + Repository.swiftFiles(below: "Tests")
    #expect(Checks.length(of: files, limit: Self.longestFile, known: Self.longFiles) == [])
  }

  @Test("Only the rim prints")
  func printing() {
    #expect(Checks.printing(in: sources) == [])
  }

  @Test("Nothing ends the process instead of throwing")
  func traps() {
    #expect(Checks.traps(in: sources) == [])
  }

  @Test("Every target says in a README what it is")
  func readmes() {
    let targets = Set(sources.map(\.target)).subtracting(["slipway"])
    #expect(targets.filter { !Repository.exists("Sources/\($0)/README.md") }.sorted() == [])
  }

  @Test("Adapters know nothing of one another, but for ObjectStores and S3Client")
  func adaptersApart() {
    let adapters = ImportTable.house.targets(in: [.adapter])
    let arrows = adapters.sorted().flatMap { from in
      (ImportTable.house.allowedImports(of: from) ?? []).intersection(adapters).sorted().map { "\(from) -> \($0)" }
    }
    #expect(arrows == ["ObjectStores -> S3Client"])
  }

  @Test("The engine sees the model alone, and nobody below the rim sees the engine")
  func engineApart() {
    let table = ImportTable.house
    let targets = Set(table.rows.keys)
    #expect(table.allowedImports(of: "Engine")?.intersection(targets) == ["SlipwayModel"])
    #expect(table.allowedImports(of: "SlipwayModel")?.intersection(targets) == [])
    let users = targets.filter { table.allowedImports(of: $0)?.contains("Engine") == true }
    #expect(users == ["SlipwayCommands"])
    #expect(table.allowedImports(of: "slipway") == ["SlipwayCommands"])
  }
}

import Testing

/// A check that cannot fail proves nothing: each is shown what it must find.
@Suite("The checks catch violations")
struct ChecksCatchViolationsTests {
  private func source(_ path: String, _ text: String) -> SourceFile { SourceFile(path: path, text: text) }

  @Test(
    "An import is found however it is written",
    arguments: [
      "import Engine", "  import Engine", "@testable import Engine", "@preconcurrency import Engine",
      "@_spi(Testing) public import Engine", "package import Engine", "internal import struct Engine.Run",
      "import func Engine.go", "import Engine.Sub", "import Logging\nimport Engine",
      "\"\"\"\ntext\n\"\"\"\nimport Engine",
      "/* a /* b */ c */ import Engine", "let a = \"\\\"\"\nimport Engine", "let r = #\"a\"b\"#\nimport Engine",
    ])
  func findsImports(text: String) {
    #expect(source("Sources/X/a.swift", text).imports.contains("Engine"))
  }

  @Test(
    "What only looks like an import is passed over",
    arguments: [
      "// import Engine", "/* \nimport Engine\n*/", "let a = \"\"\"\nimport Engine\n\"\"\"", "importEngine()",
      "let important = Engine", "#\"\"\"\nimport Engine\n\"\"\"#",
    ])
  func passesOver(text: String) {
    #expect(source("Sources/X/a.swift", text).imports == [])
  }

  @Test(
    "An arrow that is not in the table is named",
    arguments: [
      ("SlipwayModel", "Glibc"), ("SlipwayModel", "Logging"), ("SlipwayModel", "LocalFiles"),
      ("LocalFiles", "Checksums"), ("Checksums", "CLibcurl"), ("WorkflowFile", "PatternMatching"),
      ("RunLedger", "Engine"), ("S3Client", "ObjectStores"), ("Engine", "LocalFiles"), ("Engine", "Glibc"),
      ("Engine", "CLibc"), ("Assets", "ObjectStores"), ("slipway", "Engine"), ("TreeWatching", "GRDB"),
    ])
  func findsArrows(target: String, module: String) {
    let file = source("Sources/\(target)/Deep/a.swift", "import \(module)\n")
    #expect(Checks.imports(of: [file]) == ["Sources/\(target)/Deep/a.swift: \(target) may not import \(module)"])
  }

  @Test(
    "An arrow of the table is allowed",
    arguments: [
      ("SlipwayModel", "DequeModule"), ("LocalFiles", "CLibc"), ("TreeWatching", "LocalFiles"),
      ("ObjectStores", "S3Client"), ("RunLedger", "GRDB"), ("SlipwayCommands", "Engine"), ("Engine", "Logging"),
      ("S3Client", "HTTPTransport"), ("slipway", "SlipwayCommands"),
    ])
  func allowsArrows(target: String, module: String) {
    #expect(Checks.imports(of: [source("Sources/\(target)/a.swift", "import \(module)\n")]) == [])
  }

  @Test("A target that is not in the table is named")
  func findsTargets() {
    #expect(
      Checks.imports(of: [source("Sources/Helpers/a.swift", "")])
        == ["Sources/Helpers/a.swift: there is no target Helpers in the import table"])
  }

  @Test("Foundation is found, and a list that is out of date")
  func findsFoundation() {
    let files = [source("Sources/Engine/a.swift", "import Foundation"), source("Sources/Engine/b.swift", "")]
    #expect(
      Checks.foundation(in: files, allowing: ["Sources/Engine/b.swift"]) == [
        "Sources/Engine/a.swift: imports Foundation; use Glibc or FoundationEssentials",
        "Sources/Engine/b.swift: does not import Foundation any more; take it off the list",
      ])
    #expect(Checks.foundation(in: files, allowing: ["Sources/Engine/a.swift"]) == [])
  }

  @Test("Length is a ratchet")
  func findsLength() {
    let five = source("a.swift", "1\n2\n3\n4\n5\n")
    #expect(Checks.length(of: [five], limit: 5, known: [:]) == [])
    #expect(Checks.length(of: [five], limit: 4, known: [:]) == ["a.swift: has 5 lines, the limit is 4"])
    #expect(Checks.length(of: [five], limit: 3, known: ["a.swift": 5]) == [])
    #expect(Checks.length(of: [five], limit: 3, known: ["a.swift": 4]) == ["a.swift: has grown from 4 to 5 lines"])
    #expect(
      Checks.length(of: [five], limit: 3, known: ["a.swift": 6])
        == ["a.swift: has shrunk to 5 lines; write that on the list"])
    #expect(Checks.length(of: [], limit: 3, known: ["a.swift": 6]) == ["a.swift: is gone; take it off the list"])
  }

  @Test("Printing is found outside the rim, in code alone")
  func findsPrinting() {
    let text = "f()\nprint(1)\n// print(2)\nlog.print(3)\nlet a = \"print(4)\"\nreprint(5)\nif x { debugPrint(6) }\n"
    #expect(
      Checks.printing(in: [source("Sources/Engine/a.swift", text)])
        == ["Sources/Engine/a.swift:2: prints", "Sources/Engine/a.swift:7: prints"])
    #expect(Checks.printing(in: [source("Sources/SlipwayCommands/a.swift", text)]) == [])
  }

  @Test("What ends the process is found")
  func findsTraps() {
    let text = "let a = try! f()\nlet b = c as! D\nfatalError()\ntry? f()\nlet e = \"try! as! fatalError()\"\n"
    #expect(Checks.traps(in: [source("a.swift", text)]).count == 3)
  }

  @Test("A dependency of Package.swift that the table does not allow is named, and one that is missing")
  func findsDependencies() {
    let text = """
      let log = Target.Dependency.product(name: "Logging", package: "swift-log")
      products: [.library(name: "Engine", targets: ["Engine"])],
      .systemLibrary(name: "CLibc"),
      library("SlipwayModel"),
      library("RunLedger", ["SlipwayModel", "WorkflowFile", log]),
      library(
        "Engine",
        [
          "SlipwayModel", "CLibc",
          log,
        ]),
      .executableTarget(name: "slipway", dependencies: ["SlipwayCommands", "Engine"], swiftSettings: settings),
      """
    let manifest = Manifest(text)
    #expect(manifest.dependencies["Engine"] == ["SlipwayModel", "CLibc", "Logging"])
    let files = [source("Sources/RunLedger/a.swift", "import GRDB\nimport Logging\nimport Glibc")]
    #expect(
      manifest.problems(with: files, directories: ["Engine", "LocalFiles"]) == [
        "Package.swift: Engine may not depend on CLibc",
        "Package.swift: RunLedger may not depend on WorkflowFile",
        "Package.swift: slipway may not depend on Engine",
        "Package.swift: does not name Sources/LocalFiles",
        "Package.swift: RunLedger imports GRDB (Sources/RunLedger/a.swift) without depending on it",
      ])
  }
}

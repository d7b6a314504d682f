import Glibc
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// A world whose workflow is a mirror.
extension EngineWorld {
  func makeMirror(_ rule: MirrorRule = MirrorRule(deletes: true)) {
    set { $0.intake = .mirror(rule) }
  }

  /// Files of the directory.
  func write(_ files: [String: String]) throws {
    for (name, content) in files { try directory.write(content, to: "in/\(name)") }
  }

  /// A file, or an empty directory.
  func remove(_ name: String) {
    let path = directory.path("in/\(name)")
    if path.withCString({ unlink($0) }) != 0 { _ = path.withCString { rmdir($0) } }
  }

  func move(_ name: String, to other: String) throws {
    let (from, to) = (directory.path("in/\(name)"), directory.path("in/\(other)"))
    let result = from.withCString { from in to.withCString { rename(from, $0) } }
    try #require(result == 0)
  }

  /// Objects that somebody else has stored.
  func place(_ objects: [String: String]) {
    for (key, content) in objects { store().place(Array(content.utf8), at: ObjectKey(key)) }
  }

  /// A process, and the mirror's latest run.
  func mirror() async throws -> Run? {
    try await process()
    return try await latest(".")
  }

  /// What a dry run tells as problems.
  func problemsOfDryRun() async throws -> [String] {
    let told = Mutex<[String]>([])
    let dry = try DryRun(configuration, only: nil, ports: try ports(ledger), logger: log.logger)
    _ = try await dry.run { line in
      if case .problem(_, let failure) = line { told.withLock { $0.append(failure.message) } }
    }
    return told.withLock { $0 }
  }
}

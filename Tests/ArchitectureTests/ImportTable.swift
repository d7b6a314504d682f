/// Who may import whom, as data: the layers of the house, from the C libraries up to the rim.
struct ImportTable {
  enum Layer: String, CaseIterable {
    case c, pure, base, adapter, core, beside, rim, main
  }

  struct Row {
    let layer: Layer
    /// Targets and libraries of this target alone, beyond what its layer may import.
    let own: Set<String>

    init(_ layer: Layer, _ own: Set<String> = []) {
      self.layer = layer
      self.own = own
    }
  }

  let rows: [String: Row]

  /// The table that the sources must agree with. A target that is not in it may not exist.
  static let house = ImportTable(rows: [
    "CLibc": Row(.c),
    "CLibcrypto": Row(.c),
    "CLibcurl": Row(.c),
    "CLibexpat": Row(.c),
    "CLibintrinsics": Row(.c),
    "CLibnats": Row(.c),
    "CLibpcre2": Row(.c),
    "CLibyaml": Row(.c),

    "SlipwayModel": Row(.pure),

    "Checksums": Row(.base, ["CLibcrypto", "CLibintrinsics"]),
    "HTTPTransport": Row(.base, ["CLibcurl"]),
    "LocalFiles": Row(.base, ["GRDB", "GRDBSQLite"]),

    "HookRunning": Row(.adapter, ["Subprocess"]),
    "JetStreamQueue": Row(.adapter, ["CLibnats"]),
    "ObjectStores": Row(.adapter, ["S3Client"]),
    "PatternMatching": Row(.adapter, ["CLibpcre2"]),
    "RunLedger": Row(.adapter, ["GRDB", "GRDBSQLite"]),
    "S3Client": Row(.adapter, ["CLibexpat"]),
    "StatusServing": Row(.adapter, ["FlyingFox", "FlyingSocks"]),
    "TreeWatching": Row(.adapter),
    "WorkflowFile": Row(.adapter, ["CLibyaml"]),

    "Engine": Row(.core),
    "Assets": Row(.beside, ["S3Client"]),
    "SlipwayCommands": Row(.rim, ["ArgumentParser", "TOMLKit"]),
    "slipway": Row(.main, ["SlipwayCommands"]),
  ])

  static let collections: Set<String> = [
    "BitCollections", "Collections", "DequeModule", "HashTreeCollections", "HeapModule", "OrderedCollections",
  ]
  /// What anybody outside the pure layer may import besides.
  static let everyday: Set<String> = collections.union([
    "Logging", "Metrics", "ServiceLifecycle", "SystemPackage", "UnixSignals",
  ])
  /// What comes with the compiler and does no I/O.
  static let standard: Set<String> = ["Swift", "Synchronization"]
  static let platform: Set<String> = standard.union(["FoundationEssentials", "Glibc"])

  func targets(in layers: Set<Layer>) -> Set<String> {
    Set(rows.filter { layers.contains($0.value.layer) }.keys)
  }

  /// Every module that `target` may import; nil if there may be no such target.
  func allowedImports(of target: String) -> Set<String>? {
    guard let row = rows[target] else { return nil }
    let below = targets(in: [.pure, .base]).union(["CLibc"])
    let allowed: Set<String> =
      switch row.layer {
      case .c: []
      case .pure: Self.standard.union(Self.collections)
      case .base: Self.platform.union(Self.everyday).union(targets(in: [.pure])).union(["CLibc"])
      case .adapter, .beside: Self.platform.union(Self.everyday).union(below)
      case .core: Self.standard.union(Self.everyday).union(targets(in: [.pure]))
      case .rim:
        Self.platform.union(Self.everyday).union(below).union(targets(in: [.adapter, .core, .beside]))
      case .main: []
      }
    return allowed.union(row.own)
  }
}
